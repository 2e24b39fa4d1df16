# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the programs say of packets that are denied: counters of all, and records of as many as each sender's share
allows."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import NamedTuple

from ...model.errors import KernelError
from . import calls
from .layout import COUNTER, COUNTER_KEY, EVENT, text
from .objects import map_path

_SAMPLE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Counted(NamedTuple):
    """source, destination: identities, 0: unknown. reason: number. observed: 1: they passed all the same. unrecorded:
    packets of which there is no record."""

    source: int
    destination: int
    reason: int
    observed: int
    packets: int
    octets: int
    unrecorded: int


class Event(NamedTuple):
    """One packet. time: nanoseconds since boot. source, destination: text, "" where it was not read so far; identities
    and rule: 0: unknown or none. interface: index. direction: 0 ingress, 1 egress. type: of an ICMP message.
    generation: the lowest eight bits of the one that judged."""

    time: int
    source: str
    destination: str
    source_identity: int
    destination_identity: int
    network: int
    attachment: int
    interface: int
    rule: int
    length: int
    source_port: int
    destination_port: int
    ethertype: int
    protocol: int
    type: int
    reason: int
    observed: int
    direction: int
    generation: int


def counters(folder: str) -> tuple[Counted, ...]:
    """All of them, sorted. Raises KernelError. The least recently used pair goes when there are too many."""
    handle = calls.pinned(map_path(folder, "counters"))
    try:
        found = calls.read_all("counters", handle)
    finally:
        os.close(handle)
    return tuple(sorted(Counted(*COUNTER_KEY.unpack(key), *_sum(value)) for key, value in found.items()))


def _sum(value: bytes) -> Iterator[int]:
    """Of all processors, each of which counts for itself."""
    return map(sum, zip(*COUNTER.iter_unpack(value)))


def event_of(raw: bytes) -> Event:
    time, source, destination, *rest = EVENT.unpack(raw)
    return Event(time, _text(source), _text(destination), *rest)


def _text(raw: bytes) -> str:
    return "" if raw == bytes(16) else text(raw)


class Records:
    """Reads the ring buffer; each record is read once, by one reader. A context manager. Raises KernelError."""

    def __init__(self, folder: str) -> None:
        self._found: list[Event] = []
        # Kept: ctypes does not hold what C may call.
        self._callback = _SAMPLE(self._keep)
        self._handle = calls.pinned(map_path(folder, "events"))
        callback = ctypes.cast(self._callback, ctypes.c_void_p)
        self._ring = calls.libbpf().ring_buffer__new(self._handle, callback, None, None)
        if not self._ring:
            os.close(self._handle)
            raise KernelError("ring buffer of records", os.strerror(ctypes.get_errno()))

    def __enter__(self) -> Records:  # noqa: PYI034  # typing.Self is newer than Python 3.9
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        calls.libbpf().ring_buffer__free(self._ring)
        os.close(self._handle)

    def fileno(self) -> int:
        """Readable when there are records."""
        number: int = calls.libbpf().ring_buffer__epoll_fd(self._ring)
        return number

    def read(self) -> list[Event]:
        """Those that are there, oldest first; does not wait."""
        calls.checked("ring buffer of records", calls.libbpf().ring_buffer__consume(self._ring))
        found, self._found = self._found, []
        return found

    def _keep(self, _context: int, data: int, size: int) -> int:
        if size == EVENT.size:
            self._found.append(event_of(ctypes.string_at(data, size)))
        return 0
