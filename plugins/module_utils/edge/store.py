# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The store as the module of that name uses it: what the controller sent and what servers packed becomes one
generation."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..kernel.keys.sealing import certificate, kept_certificate, open_, seal
from ..kernel.store.contents import Author, Status, Store
from ..kernel.store.manifest import Entry, Manifest, client_digests, entry_of
from ..model.errors import KernelError
from .pack import digest_of, from_data, to_text


class Asked(NamedTuple):
    """files: all that the controller has. servers: those whose clients and keys the store has. keep: generations.

    identity: whether their keys are kept. first: whether the store may be made.
    """

    files: Mapping[str, Entry]
    servers: list[str]
    keep: int
    identity: bool
    first: bool


def answer(state: str, path: str, request: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """What the module of this name returns. Raises KernelError."""
    store = Store(path)
    if state == "fetched":
        return read(store, request["paths"])
    if state == "released":
        return release(store, request["server"], request["certificate"], request.get("generation"))
    if state == "verified":
        store.require()
        history = [_told(one) for one in store.history()]
        return {"changed": False, "notes": list(store.verify()), "history": history}
    files = {name: Entry(digest, size) for name, (digest, size) in request["files"].items()}
    asked = Asked(files, request["servers"], request["keep"], request["identity"], request["first"])
    if state == "seen":
        return look(store, asked, check)
    if check:
        return {"changed": True, "generation": store.look().newest.number + 1, "notes": []}
    return put(store, asked, request["contents"], request["packs"], request["who"])


def look(store: Store, asked: Asked, check: bool) -> dict[str, Any]:
    """What the store has, and what of the controller's files it needs. The certificate is made where there is none."""
    if not asked.first:
        store.require()
    status = store.look()
    made = not check and not kept_certificate()
    have = _sound(status)
    wanted = [path for path, entry in asked.files.items() if have.get(path) != entry]
    gone = set(have) - set(asked.files) - {path for path in have if _is_of(path, asked)}
    return {
        "changed": made,
        "certificate": kept_certificate() if check else certificate(),
        "generation": status.newest.number,
        "wanted": wanted,
        "stale": bool(wanted or gone or status.damaged or not status.tidy),
        "known": {server: _known(status, have, server) for server in asked.servers},
        "notes": list(status.notes),
    }


def put(store: Store, asked: Asked, contents: Mapping[str, str], packs: Mapping[str, Any], who: str) -> dict[str, Any]:
    """Write the next generation. contents: {path: base64} of what the controller has anew. packs: what servers packed.

    A server that is not among them keeps what the store has of it.
    """
    with store.writing(asked.first):
        status = store.look()
        given = {path: b64decode(text) for path, text in contents.items()}
        files = dict(asked.files)
        identities: dict[str, str] = {}
        for server in asked.servers:
            before = {
                path: entry for path, entry in status.newest.files.items() if path.startswith(f"clients/{server}/")
            }
            kept_identity = status.newest.identities.get(server, "") if asked.identity else ""
            if server in packs:
                arrived = _opened(server, packs[server])
                before = _merged(server, packs[server]["clients"], before, arrived)
                given.update(arrived)
                kept_identity = packs[server]["identity"] if asked.identity else ""
            files.update(before)
            if kept_identity:
                identities[server] = kept_identity
                _keep_identity(server, packs.get(server, {}), status, files, given)
        author = Author(who, os.environ.get("SSH_CONNECTION", "").split(" ")[0])
        changed, newest = store.put(files, identities, given, author, asked.keep)
        notes = list(store.look().notes)
    return {"changed": changed, "generation": newest.number, "notes": notes}


def read(store: Store, paths: list[str]) -> dict[str, Any]:
    """Newest good version of each: base64, None where the store has no such file."""
    found = {path: store.read(path) for path in paths}
    notes = dict.fromkeys(note for one in found.values() if one for note in one.notes)
    return {
        "changed": False,
        "files": {path: b64encode(one.data).decode() if one else None for path, one in found.items()},
        "generation": max((one.generation.number for one in found.values() if one), default=0),
        "notes": list(notes),
    }


def release(store: Store, server: str, recipient: str, generation: int | None) -> dict[str, Any]:
    """Clients and keys of a server, sealed to its new certificate. generation: none later than this one."""
    store.require()
    files: dict[str, dict[str, bytes]] = {}
    notes: list[str] = []
    beginning = f"clients/{server}/"
    for path in store.paths(generation):
        if path.startswith(beginning):
            client, _slash, name = path[len(beginning) :].partition("/")
            try:
                found = store.read(path, generation)
            except KernelError as error:  # the others are there
                notes.append(str(error))
                continue
            files.setdefault(client, {}).update({name: found.data} if found else {})
            notes += found.notes if found else ()
    kept = store.read(f"identity/{server}.cms", generation)
    keys = json.loads(open_(kept.data.decode())) if kept else {}
    text = json.dumps({"clients": json.loads(to_text(files)), "identity": keys})
    ledger = store.read("ledger.json", generation) if generation is not None else None
    return {
        "changed": False,
        "sealed": seal(text.encode(), recipient),
        "clients": sorted(files),
        "identity": bool(keys),
        # Of an older generation the ledger of its own time tells which keys were the server's.
        "ledger": ledger.data.decode() if ledger else None,
        "notes": list(dict.fromkeys(notes)),
    }


def _sound(status: Status) -> dict[str, Entry]:
    damaged = set(status.damaged)
    return {path: entry for path, entry in status.newest.files.items() if path not in damaged}


def _known(status: Status, have: Mapping[str, Entry], server: str) -> dict[str, Any]:
    identity = status.newest.identities.get(server, "") if f"identity/{server}.cms" in have else ""
    return {"clients": client_digests(have, server), "identity": identity}


def _is_of(path: str, asked: Asked) -> bool:
    """Whether a file of the store is of a server that it still has to do with."""
    folder, _slash, rest = path.partition("/")
    if folder == "clients":
        return rest.partition("/")[0] in asked.servers
    return folder == "identity" and asked.identity and rest[: -len(".cms")] in asked.servers


def _opened(server: str, packed: Mapping[str, Any]) -> dict[str, bytes]:
    """{path: content} of the clients that arrived; what is not what the server sent is refused."""
    files = from_data(json.loads(open_(packed["sealed"]))) if packed["sealed"] else {}
    for client, contents in files.items():
        if digest_of(contents) != packed["clients"].get(client):
            raise KernelError("store", f"what arrived of {client} is not what {server} sent; run again")
    return {
        f"clients/{server}/{client}/{name}": data for client, found in files.items() for name, data in found.items()
    }


def _merged(
    server: str, digests: Mapping[str, str], before: Mapping[str, Entry], arrived: Mapping[str, bytes]
) -> dict[str, Entry]:
    """Files of a server's clients: what arrived, and of the others what the store has, as far as they still exist."""
    files = {path: entry for path, entry in before.items() if path.split("/")[2] in digests}
    fresh = {path.split("/")[2] for path in arrived}
    files = {path: entry for path, entry in files.items() if path.split("/")[2] not in fresh}
    files.update({path: entry_of(data) for path, data in arrived.items()})
    have = client_digests(files, server)
    if any(digest and have.get(client) != digest for client, digest in digests.items()):
        raise KernelError("store", f"somebody else has stored other files of {server}'s clients meanwhile; run again")
    return files


def _keep_identity(
    server: str, packed: Mapping[str, Any], status: Status, files: dict[str, Entry], given: dict[str, bytes]
) -> None:
    path = f"identity/{server}.cms"
    if packed.get("sealed_identity"):
        given[path] = packed["sealed_identity"].encode()
        files[path] = entry_of(given[path])
    elif path in status.newest.files:
        files[path] = status.newest.files[path]


def _told(generation: Manifest) -> dict[str, Any]:
    """What of a generation a reader of the history wants to know; line: all of it."""
    found = {name: getattr(generation, name) for name in ("number", "when", "who", "origin", "intent")}
    origin = f" from {generation.origin}" if generation.origin else ""
    where = f"{len(generation.files)} files, intent {generation.intent[:12]}"
    return {**found, "line": f"{generation.number}  {generation.when}  {generation.who}{origin}  {where}"}
