# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables: the maps within maps of maps. Each slot of a policy has one of every name."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import NamedTuple

from ...model.errors import KernelError
from . import calls
from .layout import (
    ENDPOINT,
    IDENTITY_KEY,
    NUMBER,
    PAIR,
    PLACE,
    PORT_CLASSES_SIZE,
    PREFIX,
    SHADOW_VALUE,
    VERDICT,
    Entries,
)

PORTS = "port_classes"
_SMALLEST = 256
# A table that is this much larger than it would be made now is made anew.
_TOO_LARGE = 8
_ZERO = NUMBER.pack(0)


class _Shape(NamedTuple):
    """As the programs expect it (files/bpf/lib/maps.h)."""

    kind: int
    key: int
    value: int
    flags: int = 0


_PLACES = _Shape(calls.HASH, PLACE.size, ENDPOINT.size)
_PREFIXES = _Shape(calls.LPM_TRIE, PREFIX.size, ENDPOINT.size, calls.NO_PREALLOC)
_SHAPES = {
    "sources": _PLACES,
    "source_prefixes": _PREFIXES,
    "destinations": _PLACES,
    "destination_prefixes": _PREFIXES,
    "shadows": _Shape(calls.LPM_TRIE, PREFIX.size, SHADOW_VALUE.size, calls.NO_PREALLOC),
    "identities": _Shape(calls.HASH, IDENTITY_KEY.size, ENDPOINT.size),
    "verdicts": _Shape(calls.HASH, PAIR.size, VERDICT.size),
    PORTS: _Shape(calls.ARRAY, NUMBER.size, PORT_CLASSES_SIZE),
}
# Those of many entries.
NAMES = tuple(name for name in _SHAPES if name != PORTS)


class Step(NamedTuple):
    """What was written. made: a table that had to be made anew, which is still to be installed; None: it was not."""

    put: int = 0
    removed: int = 0
    made: int | None = None


class TableSlot(NamedTuple):
    """outer: file descriptor of the map of maps."""

    name: str
    outer: int
    slot: int

    @contextmanager
    def opened(self) -> Iterator[int | None]:
        """A file descriptor of the table; None: there is none."""
        found = calls.get(self.outer, NUMBER.pack(self.slot), NUMBER.size)
        if found is None:
            yield None
            return
        handle = calls.map_by_number(NUMBER.unpack(found)[0])
        try:
            yield handle
        finally:
            os.close(handle)

    def read(self) -> dict[bytes, bytes]:
        with self.opened() as handle:
            return {} if handle is None else calls.read_all(self.name, handle)

    def write(self, new: Entries, old: Entries) -> Step:
        """Makes the table hold `new`, or another one in its place. old: what it holds."""
        with self.opened() as handle:
            room = calls.map_info(handle).entries if handle is not None else 0
            # A full table of prefixes takes no other value for a key that it has, before 6.13.
            if handle is None or not len(new) < room <= _TOO_LARGE * _room(len(new)):
                return self._renew(new)
            if old is new:
                return Step()
            gone = old.keys() - new.keys()
            changed = {key: value for key, value in new.items() if old.get(key) != value}
            # Removed first, so that there is room.
            calls.delete_all(self.name, handle, _packed(self.name, gone, _SHAPES[self.name].key), len(gone))
            fill(self.name, handle, changed)
            return Step(len(changed), len(gone))

    def make(self, count: int) -> int:
        """A file descriptor of another one, empty, that no program knows yet, with room for so many entries and some
        more."""
        shape = _SHAPES[self.name]
        room = 1 if self.name == PORTS else _room(count)
        return calls.make_map(self.name, shape.kind, shape.key, shape.value, room, shape.flags)

    def _renew(self, new: Entries) -> Step:
        handle = self.make(len(new))
        try:
            fill(self.name, handle, new)
        except BaseException:
            os.close(handle)
            raise
        return Step(len(new), 0, handle)

    def install(self, handle: int) -> None:
        """Puts a table there. Returns when no program reads what stood there before, which takes some 15 ms."""
        calls.put(self.outer, NUMBER.pack(self.slot), NUMBER.pack(handle))

    def wait(self) -> None:
        """Returns when every program that runs now has ended.

        A change to a map of maps waits for all that might still use the old content (kernel/bpf/syscall.c,
        maybe_wait_bpf_programs); so does one that changes nothing.
        """
        with self.opened() as handle:
            if handle is not None:
                self.install(handle)

    def read_ports(self) -> bytes:
        """Of PORTS: the one value it has."""
        with self.opened() as handle:
            found = None if handle is None else calls.get(handle, _ZERO, PORT_CLASSES_SIZE)
            return found or bytes(PORT_CLASSES_SIZE)

    def write_ports(self, new: bytes, old: bytes) -> Step:
        """Of PORTS; as write()."""
        with self.opened() as handle:
            if handle is not None:
                if old == new:
                    return Step()
                fill_ports(handle, new)
                return Step(1)
        made = self.make(1)
        try:
            fill_ports(made, new)
        except BaseException:
            os.close(made)
            raise
        return Step(1, 0, made)


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Does some work that mostly waits, while what is below `with` is done. Raises the KernelError of either."""
    failed: list[KernelError] = []

    def run() -> None:
        try:
            work()
        except KernelError as error:
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failed:
        raise failed[0]


def install_all(tables: Mapping[TableSlot, int]) -> None:
    """All at once, so that they wait together. Raises KernelError for one that the kernel refuses."""
    refused: list[KernelError] = []

    def install(table: TableSlot, handle: int) -> None:
        try:
            table.install(handle)
        except KernelError as error:
            refused.append(error)

    threads = [Thread(target=install, args=found) for found in tables.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise refused[0]


def _room(count: int) -> int:
    """How many entries a table is made for: a quarter more than it has, so that changes find room."""
    return max(_SMALLEST, count + count // 4 + 1)


def fill(name: str, handle: int, entries: Entries) -> None:
    """Puts entries into a table of this name."""
    keys, values = _packed(name, entries, _SHAPES[name].key), _packed(name, entries.values(), _SHAPES[name].value)
    calls.put_all(name, handle, keys, values, len(entries))


def fill_ports(handle: int, classes: bytes) -> None:
    """The same for PORTS."""
    if len(classes) != PORT_CLASSES_SIZE:
        raise KernelError(f"table {PORTS}", f"it has to be {PORT_CLASSES_SIZE} bytes")
    calls.put(handle, _ZERO, classes)


def _packed(name: str, pieces: Collection[bytes], size: int) -> bytes:
    packed = b"".join(pieces)
    if len(packed) != len(pieces) * size:
        # The kernel would read on behind the buffer.
        raise KernelError(f"table {name}", f"what goes there has to be {size} bytes each, and is not")
    return packed
