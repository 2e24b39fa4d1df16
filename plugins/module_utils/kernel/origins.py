# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host had before weft, in a file of its own: it outlives runs, boots and plans."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ..model import state as kinds
from ..model.change import REMOVE, Change
from ..model.errors import KernelError
from ..model.origin import CHAIN, FILE, MOUNT, ORIGINS_PATH, Origin
from . import atomic
from .firewall import firewalld_files

_VERSION = 1


def observe(path: str = ORIGINS_PATH) -> dict[str, Origin]:
    """By key. Raises KernelError for a damaged file: what it said would be lost by writing another."""
    data = atomic.read(path)
    if data is None:
        return {}
    try:
        document = json.loads(data)
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']!r}")
        found = [Origin(str(item["sort"]), str(item["name"]), item["value"]) for item in document["before"]]
    except (ValueError, KeyError, TypeError) as error:
        reason = f"it is damaged ({error}); it says what this host was before weft: restore it, or remove it"
        raise KernelError(f"file {path}", reason) from error
    return {origin.key(): origin for origin in found}


def apply(changes: Sequence[Change], path: str = ORIGINS_PATH) -> None:
    """What is added is on the disk when it returns; what is removed is given back, then forgotten. Switches have been
    given back by then, as they have states of their own. Without any there is no file. Raises KernelError."""
    # A table's chains have longer names than the table.
    for change in sorted(changes, key=lambda change: change.key, reverse=True):
        if change.action == REMOVE:
            _give_back(change.before)
    found = observe(path)
    for change in changes:
        found.pop(change.key, None)
        if change.action != REMOVE:
            found[change.key] = change.after
    before = [origin._asdict() for _key, origin in sorted(found.items())]
    try:
        if before:
            text = json.dumps({"version": _VERSION, "before": before}, indent=1, sort_keys=True) + "\n"
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            atomic.write(path, text.encode())
        elif os.path.lexists(path):
            os.unlink(path)
        if os.path.isdir(os.path.dirname(path)):
            atomic.settle(os.path.dirname(path))
    except OSError as error:
        raise KernelError(f"{kinds.ORIGIN} {changes[0].key}", f"{path}: {error.strerror}") from error


def _give_back(origin: Origin) -> None:
    if origin.sort == FILE:
        firewalld_files.give_back(origin.name, origin.value)
    elif origin.sort == CHAIN:
        from .firewall.nft_gone import remove_unused

        remove_unused(origin.name)
    elif origin.sort == MOUNT:
        from .bpf.mount import unmount

        unmount(origin.name)
