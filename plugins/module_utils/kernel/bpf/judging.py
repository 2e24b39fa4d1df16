# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which generation of a policy judges, for those who only look: nothing is made, and no table is opened."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import calls
from .layout import NUMBER, SLOTS
from .objects import map_path
from .slots import STAMP_SIZE

_ZERO = NUMBER.pack(0)


class Judging(NamedTuple):
    """generation: they are counted, whatever they say. stamp: what its writer calls it, hexadecimal; None: nothing was
    loaded, or it is not known."""

    generation: int
    stamp: str | None


def judging(folder: str) -> Judging:
    """Raises KernelError where no programs are loaded."""
    # Until both are of the same moment: a slot is written anew only after another one has taken over.
    generation = _number(folder)
    while True:
        stamp = _stamp(folder, generation % SLOTS)
        again = _number(folder)
        if again == generation:
            return Judging(generation, stamp)
        generation = again


def _number(folder: str) -> int:
    found = _value(folder, "current", _ZERO, NUMBER.size)
    return int(NUMBER.unpack(found or _ZERO)[0])


def _stamp(folder: str, slot: int) -> str | None:
    """None, too, while the first policy is on its way: the map of stamps comes after the others."""
    if not os.path.lexists(map_path(folder, "stamps")):
        return None
    found = _value(folder, "stamps", NUMBER.pack(slot), STAMP_SIZE) or b""
    return found.hex() if any(found) else None


def _value(folder: str, name: str, key: bytes, size: int) -> bytes | None:
    handle = calls.pinned(map_path(folder, name))
    try:
        return calls.get(handle, key, size)
    finally:
        os.close(handle)
