# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a server hands to a store and takes back from it: files of its clients, and its keys. All of it is sealed on the
one host and opened on the other."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..kernel.clients import kept as clients
from ..kernel.clients.files import contents_of
from ..kernel.keys import files as key_files
from ..kernel.keys import identity
from ..kernel.keys.sealing import open_, seal
from ..kernel.lock import exclusive
from ..kernel.store.manifest import client_digest
from ..model.wireguard import CLIENT_ROOT

# client -> file name -> content
Files = Mapping[str, Mapping[str, bytes]]


def pack(known: Mapping[str, Any], certificate: str, with_identity: bool) -> dict[str, Any]:
    """What a store lacks, sealed to `certificate`. known: what it has, {"clients": {client: digest}, "identity": …}.

    clients: digest of each, "" where the files are damaged here: what the store has of it is better then.
    certificate "": there is none to seal to yet, and news says whether there would be anything.
    """
    files = {one.name: contents_of(CLIENT_ROOT, one.name) if one.whole else {} for one in clients.observe()}
    digests = {name: digest_of(contents) if contents else "" for name, contents in files.items()}
    before = known.get("clients", {})
    changed = {name: files[name] for name, digest in digests.items() if digest and before.get(name) != digest}
    keys = identity.here() if with_identity else {}
    digest = _identity_digest(keys, certificate)
    new_keys = digest != known.get("identity", "")
    return {
        "news": bool(changed) or new_keys or not set(before) <= set(digests),
        "clients": digests,
        "sealed": seal(to_text(changed).encode(), certificate) if changed and certificate else "",
        "identity": digest,
        "sealed_identity": seal(json.dumps(keys).encode(), certificate) if keys and new_keys and certificate else "",
        "notes": [
            f"the files of {name} are damaged and were not stored" for name, found in digests.items() if not found
        ],
    }


def restore(sealed: str, expected: Mapping[str, Iterable[str]], check: bool) -> dict[str, Any]:
    """Bring back clients and keys that are not here. expected: {link: public keys}, what the ledger has of this host.

    Raises KernelError before anything is written: see identity.acceptable and identity.missing.
    """
    document = json.loads(open_(sealed))
    files = from_data(document["clients"])
    keys, notes = identity.acceptable(document["identity"], expected)
    lacking = identity.missing(keys)
    have = {one.name for one in clients.observe() if one.public_key}
    names = sorted(set(files) - have)
    if not check:
        with exclusive():
            names = sorted(clients.restore(files))
            if lacking:
                key_files.write(lacking)
    links = sorted({path.split("/")[-2] for path in lacking})
    return {"changed": bool(names or links), "clients": names, "links": links, "notes": list(notes)}


def export(names: Collection[str], certificate: str) -> dict[str, str]:
    """Confs of the clients that are kept here, by name, each sealed; of all that are whole where no name is given."""
    seen = clients.observe()
    wanted = [one.name for one in seen if (one.name in names if names else one.whole and one.link)]
    return {name: seal(clients.conf(name).encode(), certificate) for name in wanted}


def digest_of(contents: Mapping[str, bytes]) -> str:
    return client_digest({name: hashlib.sha256(data).hexdigest() for name, data in contents.items()})


def to_text(files: Files) -> str:
    encoded = {
        client: {name: b64encode(data).decode() for name, data in contents.items()}
        for client, contents in files.items()
    }
    return json.dumps(encoded)


def from_data(encoded: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, bytes]]:
    return {client: {name: b64decode(data) for name, data in contents.items()} for client, contents in encoded.items()}


def _identity_digest(keys: identity.Identity, certificate: str) -> str:
    """Another one for another certificate: what was sealed to a key that is lost is of no use. "" without keys."""
    if not keys:
        return ""
    return hashlib.sha256((certificate + json.dumps(keys, sort_keys=True)).encode()).hexdigest()[:32]
