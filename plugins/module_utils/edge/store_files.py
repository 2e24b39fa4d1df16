# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's side of a store: which of its files go there, what it knows of a server's keys, and the copy of the
intent that it works with where the NAS has the original."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..compile.ledger import Ledger
from ..intent.domain import Intent
from ..intent.server import ROUTER
from ..model.errors import Fault, IntentError
from ..model.plan import HostPlan, to_json
from .project import Project, plan_path, read_plans, write_text

INTENT, LEDGER, PUBLIC = "domain.yaml", "ledger.json", "public-keys.json"
_FETCHED = "fetched.json"

# Where another server keeps what the NAS would lose with its own disk, and how many generations of it.
MIRROR_PATH = "/var/lib/weft/store"
MIRROR_KEEP = 3


class Place(NamedTuple):
    """One store. server: host that keeps it. path: folder there. servers: those whose clients and keys it has."""

    server: str
    path: str
    keep: int
    identity: bool
    servers: tuple[str, ...]


def places(intent: Intent) -> tuple[Place, ...]:
    """The store that the intent declares. Where its own host has interfaces too, another server, a router if there is
    one, keeps what is theirs: whatever takes the NAS away must not take the only copy of it."""
    store = intent.store
    if store is None:
        return ()
    servers = tuple(sorted({interface.server for interface in intent.interfaces.values()}))
    found = [Place(store.server, store.path, store.keep, store.identity, servers)]
    others = sorted((intent.servers[name].role != ROUTER, name) for name in servers if name != store.server)
    if store.server in servers and others:
        found.append(Place(others[0][1], MIRROR_PATH, MIRROR_KEEP, store.identity, (store.server,)))
    return tuple(found)


def files_of(project: Project) -> dict[str, bytes]:
    """{path in the store: content}: intent, ledger, plans and the public keys that they speak of."""
    plans = read_plans(project.build)
    files = {PUBLIC: _public_keys(plans)}
    for host, plan in plans.items():
        files[plan_path("", host).lstrip("/")] = to_json(plan).encode()
    for path, name in ((project.intent, INTENT), (project.ledger, LEDGER)):
        data = _read(path)
        if data is not None:
            files[name] = data
    return files


def keys_of(ledger: Ledger, host: str) -> dict[str, list[str]]:
    """{link: public keys} that the ledger knows as this host's own."""
    links = {name: entry.ends for name, entry in ledger.interfaces.items() if entry.server == host}
    return {name: [key for key in ends if key is not None] for name, ends in links.items()}


def save(folder: str, intent: bytes | None, ledger: bytes | None) -> list[str]:
    """Keep what the store has as domain.yaml and ledger.json in `folder`; returns notes.

    What a run here changed and could not store is in these files and not in those that came: then ours stay. Raises
    IntentError where the other ones have changed since as well, and where there is no intent.
    """
    if intent is None:
        raise IntentError((Fault("store", INTENT, "the store has no intent; run site.yml once with one here"),))
    arrived = {INTENT: intent, LEDGER: ledger}
    last = json.loads(_read(f"{folder}/{_FETCHED}") or b"{}")
    ours = {name: _read(f"{folder}/{name}") for name in arrived}
    unsaved = [
        name for name, data in ours.items() if data not in (None, arrived[name]) and _sum(data) != last.get(name)
    ]
    message = (
        "it was changed here and could not be stored, and the one in the store has changed since; compare them, and "
        "remove this one if the other is right"
    )
    torn = [name for name in unsaved if _sum(arrived[name]) != last.get(name)]
    if torn:
        raise IntentError(tuple(Fault(f"{folder}/{name}", "", message) for name in torn))
    for name, data in arrived.items():
        if data is not None and name not in unsaved:
            write_text(f"{folder}/{name}", data.decode())
    sums = {name: _sum(data) for name, data in arrived.items()}
    write_text(f"{folder}/{_FETCHED}", json.dumps(sums, sort_keys=True) + "\n")
    return [
        f"{name} of the run before could not be stored then; it is used, and stored with this run" for name in unsaved
    ]


def _public_keys(plans: Mapping[str, HostPlan]) -> bytes:
    document: dict[str, Any] = {
        "links": {host: {device.link: device.public_key for device in plan.devices} for host, plan in plans.items()},
        "clients": {client.name: client.public_key for plan in plans.values() for client in plan.clients},
    }
    document["links"] = {host: keys for host, keys in document["links"].items() if keys}
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IntentError((Fault(path, "", f"it cannot be read: {error.strerror}"),)) from error


def _sum(data: bytes | None) -> str | None:
    return hashlib.sha256(data).hexdigest() if data is not None else None
