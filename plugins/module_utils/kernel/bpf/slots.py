# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two generations of a policy in the kernel. One judges; the other is written, and then takes over in one step.

A packet's program reads once which generation judges, and thereby which slot. So the other slot may be written at
leisure, as soon as no program that began before the last switch still runs; the kernel says when. Each slot has a
stamp: what its writer calls its contents. It is taken away before the first write and put back after the last, so
nothing is ever built upon contents that a writer only believes to be there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from ...model.errors import KernelError
from . import calls
from .grace import at_once
from .layout import NUMBER, SLOTS, Tables
from .objects import map_path
from .tables import NAMES, PORTS, Step, TableSlot, fill, fill_ports, install_all, meanwhile

STAMP_SIZE = 32
_NO_STAMP = bytes(STAMP_SIZE)
_CURRENT = "current"
_STAMPS = "stamps"
_ZERO = NUMBER.pack(0)
_GENERATIONS = 1 << 32


class Stamped(NamedTuple):
    """A generation, and what it is called: STAMP_SIZE bytes, not all zero, that no other has (a checksum)."""

    stamp: bytes
    tables: Tables


class Written(NamedTuple):
    """slot: that holds it now, and judges nothing yet. put, removed: entries. made: tables that were made anew."""

    slot: int
    put: int
    removed: int
    made: tuple[str, ...]


class Slots:
    """The slots of the maps that are pinned below a folder (objects.load). A context manager.

    Only one process may write at a time: that is the caller's business. Every method raises KernelError; then what
    judges goes on judging.
    """

    def __init__(self, folder: str) -> None:
        self._handles: dict[str, int] = {}
        # Whether every program that began before the last switch has ended.
        self._settled = False
        try:
            for name in (_CURRENT, PORTS, *NAMES):
                self._handles[name] = calls.pinned(map_path(folder, name))
            self._handles[_STAMPS] = _stamps(map_path(folder, _STAMPS))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Slots:  # noqa: PYI034  # typing.Self is newer than Python 3.9
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles = {}

    def current(self) -> int:
        """The slot that judges."""
        return self._generation() % SLOTS

    def stamp(self, slot: int) -> bytes | None:
        """What its contents are called; None: it was never written, or not to the end."""
        found = calls.get(self._handles[_STAMPS], NUMBER.pack(slot), STAMP_SIZE)
        return None if found == _NO_STAMP else found

    def read(self, slot: int) -> Tables:
        """What a slot holds. While it is written, that is neither the old nor the new."""
        found = {name: self._table(name, slot).read() for name in NAMES}
        return Tables(port_classes=self._table(PORTS, slot).read_ports(), **found)

    def write(self, new: Stamped, *known: Stamped) -> Written:
        """Makes the slot that does not judge hold a generation.

        known: generations of which it may hold one, by their stamps. If it does, only what differs is written, and the
        calls to the kernel grow with the change. Otherwise its tables are made anew: to read what is there takes
        longer, and they can be filled while the last packets leave the old ones.
        """
        if len(new.stamp) != STAMP_SIZE or new.stamp == _NO_STAMP:
            raise KernelError("policy", f"its stamp has to be {STAMP_SIZE} bytes, not all of them zero")
        slot = SLOTS - 1 - self.current()
        there = self.stamp(slot)
        old = next((found.tables for found in known if found.stamp == there), None)
        steps: dict[str, Step] = {}
        try:
            if old is None:
                self._make(steps, slot, new.tables)
            else:
                self._change(steps, slot, new.tables, old)
        finally:
            for step in steps.values():
                if step.made is not None:
                    os.close(step.made)
        self._set_stamp(slot, new.stamp)
        put, removed = (sum(counts) for counts in zip(*((step.put, step.removed) for step in steps.values())))
        return Written(slot, put, removed, tuple(name for name, step in steps.items() if step.made is not None))

    def switch(self, slot: int) -> None:
        """From now on this slot judges. Packets that are being judged at this moment still are by the other one;
        settle() waits for the last of them. Raises KernelError for a slot that does not hold a whole generation."""
        if self.stamp(slot) is None:
            raise KernelError(f"policy slot {slot}", "it does not hold a whole policy, so it cannot judge")
        self._settled = False
        # Another number each time: what programs remember of an earlier generation counts no more.
        number = self._generation() + 1
        number += (slot - number) % SLOTS
        calls.put(self._handles[_CURRENT], _ZERO, NUMBER.pack(number % _GENERATIONS))

    def settle(self) -> None:
        """Returns when no packet is judged any more by what judged before the last switch."""
        if not self._settled:
            # A slot without ports has let no program read anything.
            with at_once():
                self._table(PORTS, self.current()).wait()
            self._settled = True

    def _generation(self) -> int:
        """What the programs read: its lowest bit is the slot."""
        number: int = NUMBER.unpack(calls.get(self._handles[_CURRENT], _ZERO, NUMBER.size) or _ZERO)[0]
        return number

    def _table(self, name: str, slot: int) -> TableSlot:
        return TableSlot(name, self._handles[name], slot)

    def _make(self, steps: dict[str, Step], slot: int, new: Tables) -> None:
        """steps: what was done, by table; filled on the way, so that what was made can be closed whatever happens."""
        for name in NAMES:
            count = len(getattr(new, name))
            steps[name] = Step(count, 0, self._table(name, slot).make(count))
        steps[PORTS] = Step(1, 0, self._table(PORTS, slot).make(1))
        made = {name: step.made for name, step in steps.items() if step.made is not None}
        # Two waits for the kernel, and some milliseconds of work.
        with meanwhile(lambda: self._install(slot, made)):
            for name in NAMES:
                fill(name, made[name], getattr(new, name))
            fill_ports(made[PORTS], new.port_classes)

    def _change(self, steps: dict[str, Step], slot: int, new: Tables, old: Tables) -> None:
        """steps: as of _make()."""
        self.settle()
        self._set_stamp(slot, _NO_STAMP)
        for name in NAMES:
            steps[name] = self._table(name, slot).write(getattr(new, name), getattr(old, name))
        steps[PORTS] = self._table(PORTS, slot).write_ports(new.port_classes, old.port_classes)
        self._install(slot, {name: step.made for name, step in steps.items() if step.made is not None})

    def _install(self, slot: int, made: Mapping[str, int]) -> None:
        self.settle()
        self._set_stamp(slot, _NO_STAMP)
        with at_once():
            install_all({self._table(name, slot): handle for name, handle in made.items()})

    def _set_stamp(self, slot: int, stamp: bytes) -> None:
        calls.put(self._handles[_STAMPS], NUMBER.pack(slot), stamp)


def _stamps(path: str) -> int:
    """The map of stamps, which no program knows, so it is made here; pinned as the others are."""
    if os.path.lexists(path):
        return calls.pinned(path)
    handle = calls.make_map(_STAMPS, calls.ARRAY, NUMBER.size, STAMP_SIZE, SLOTS)
    try:
        calls.pin(handle, path)
    except BaseException:
        os.close(handle)
        raise
    return handle
