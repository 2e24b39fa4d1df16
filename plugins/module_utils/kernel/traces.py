# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host has beside what a transaction can undo: Docker's networks, and what lies in folders that are weft's own.
Told in words, and removed for good. Imported only where weft leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..model import state as kinds
from ..model.audit import AUDIT_FOLDER
from ..model.change import Change
from ..model.docker import SeenNetwork
from ..model.errors import KernelError
from ..model.firewall import FIREWALLD
from ..model.origin import ORIGINS_PATH
from ..model.sending import AUDIT_KEY_FOLDER
from ..model.state import State, state_of
from ..model.stored import PLAN_PATH, PROGRAM_ROOT
from ..model.trace import KEYS, OWN, STATE_ROOT, STORE, Trace
from ..model.wireguard import CLIENT_ROOT, KEY_ROOT
from . import atomic, docker_rules
from .docker.api import remove_network
from .docker.seen import SOCKET
from .journal import JOURNAL_PATH
from .keys.sealing import SEAL_ROOT
from .store.place import MEMORY, remembered, remove

# These have kinds of their own.
_ELSEWHERE = (PLAN_PATH, ORIGINS_PATH)
# Another server's copies, as edge/store_files.py has it made.
_MIRROR = STATE_ROOT + "/store"


def observe(networks: Iterable[SeenNetwork], firewall: str) -> State:
    """networks: all that Docker has. firewall: what this host filters with."""
    ours = tuple(seen for seen in networks if seen.ours)
    if ours and firewall == FIREWALLD:
        ours = tuple(seen._replace(filters=docker_rules.filters(seen.network.bridge)) for seen in ours)
    return state_of({kinds.NETWORK: ours, kinds.TRACE: tuple(_observe())})


def _observe() -> Iterator[Trace]:
    stores = remembered()
    if os.path.isdir(STATE_ROOT):
        for path in sorted(f"{STATE_ROOT}/{name}" for name in os.listdir(STATE_ROOT)):
            if path in stores or path == MEMORY:
                yield Trace(path, STORE, _store(path) if path in stores else "")
            elif path == SEAL_ROOT and stores:
                # What lies sealed in a store is of no use without it.
                yield Trace(path, STORE)
            elif path not in _ELSEWHERE:
                sort, words = _SORTS.get(path, (OWN, _nothing))
                yield Trace(path, sort, words(path))
        if not os.path.ismount(STATE_ROOT):
            yield Trace(STATE_ROOT)
    for path in sorted(stores):
        if os.path.dirname(path) != STATE_ROOT and os.path.isdir(path):
            yield Trace(path, STORE, _store(path))
    if os.path.isdir(PROGRAM_ROOT):
        yield Trace(PROGRAM_ROOT)


def _nothing(_path: str) -> str:
    return ""


def _links(path: str) -> str:
    return _listed("private keys of ", path)


def _clients(path: str) -> str:
    return _listed("configurations, with private keys, of ", path)


def _denials(path: str) -> str:
    return "what this host's policy denied" if _names(path) else ""


def _journal(_path: str) -> str:
    return "the journal of this host's changes"


def _listed(words: str, path: str) -> str:
    names = _names(path)
    return words + ", ".join(names) if names else ""


def _names(path: str) -> list[str]:
    return sorted(name for name in os.listdir(path) if not name.startswith("."))


def _store(path: str) -> str:
    what = "copies of another server's keys and clients" if path == _MIRROR else "intent, ledger and files of clients"
    return f"the store: {what}"


_SORTS: dict[str, tuple[str, Callable[[str], str]]] = {
    KEY_ROOT: (KEYS, _links),
    CLIENT_ROOT: (KEYS, _clients),
    SEAL_ROOT: (KEYS, _nothing),
    AUDIT_KEY_FOLDER: (KEYS, _nothing),
    AUDIT_FOLDER: (OWN, _denials),
    JOURNAL_PATH: (OWN, _journal),
}


def apply(changes: Sequence[Change]) -> None:
    """Remove them in the order given. One that is gone is no fault. Raises KernelError naming the path."""
    for change in changes:
        if change.kind == kinds.NETWORK:
            seen: SeenNetwork = change.before
            docker_rules.await_back(seen.network.bridge, seen.filters)
            remove_network(SOCKET, change.key, seen.containers)
            continue
        trace: Trace = change.before
        try:
            if trace.path == STATE_ROOT:
                os.rmdir(trace.path)
            elif trace.path in remembered():
                remove(trace.path)
            elif os.path.isdir(trace.path) and not os.path.islink(trace.path):
                atomic.remove_tree(trace.path)
            else:
                os.unlink(trace.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise KernelError(f"{change.kind} {trace.path}", error.strerror or str(error)) from error
