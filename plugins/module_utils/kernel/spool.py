# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lines on a disk, within a bound: in segments, of which the oldest goes first.

A line counts when its end is there. What a power failure left of one is passed over by whoever reads, and taken away by
whoever writes on. One process writes; others may read at any time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..model.errors import KernelError
from . import atomic

_NAME = re.compile(r"([0-9]{16})-([0-9]{1,12})\.jsonl")
_END = b"\n"
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Bounds(NamedTuple):
    """octets: of all segments together, never exceeded. segment: of one. seconds: no line is kept for longer, and none
    goes for its age before seven eighths of it."""

    octets: int
    segment: int
    seconds: int


# At some 400 octets a line, 170 000 of them.
BOUNDS = Bounds(64 << 20, 4 << 20, 30 * 86400)


class Segment(NamedTuple):
    """One file. began: seconds since 1970."""

    number: int
    began: int
    octets: int

    @property
    def name(self) -> str:
        return f"{self.number:016}-{self.began}.jsonl"


def surplus(segments: Sequence[Segment], more: int, bounds: Bounds) -> int:
    """How many of them, from the oldest on, go so that `more` octets find room. segments: oldest first."""
    total = sum(segment.octets for segment in segments) + more
    for count, segment in enumerate(segments):
        if total <= bounds.octets:
            return count
        total -= segment.octets
    return len(segments)


def overdue(segments: Sequence[Segment], now: float, bounds: Bounds) -> int:
    """How many of them, from the oldest on, are too old."""
    old = [now - segment.began > bounds.seconds for segment in segments]
    return old.index(False) if False in old else len(old)


def takes_more(segment: Segment, octets: int, now: float, bounds: Bounds) -> bool:
    """Whether so much more may stand in it: it has to be small, and young, since it goes only as a whole."""
    young = 0 <= now - segment.began <= bounds.seconds / 8
    return young and segment.octets + octets <= bounds.segment


class Spool:
    """Who writes. dropped: lines that went before their time was up, or were not taken by the disk, since this began;
    expired: those whose time was up. Every method raises KernelError naming the folder."""

    def __init__(self, folder: str, bounds: Bounds = BOUNDS) -> None:
        self._folder = folder
        self._bounds = bounds
        self.dropped = 0
        self.expired = 0
        try:
            atomic.folder(folder)
            self._segments = _segments(folder)
            if self._segments:
                self._segments[-1] = self._mended(self._segments[-1])
        except OSError as error:
            raise self._refused(error) from error

    @property
    def octets(self) -> int:
        return sum(segment.octets for segment in self._segments)

    @property
    def segments(self) -> int:
        return len(self._segments)

    def append(self, lines: Sequence[str], now: float) -> None:
        """Adds them, each without its end; returns when they are on the disk. now: seconds since 1970. What was there
        stays there where the disk takes no more: those that it did not take count as dropped. So does a line that is
        longer than a segment."""
        parts = [line.encode() + _END for line in lines]
        if any(_END in part[:-1] for part in parts):
            raise KernelError(f"spool {self._folder}", "a line of it cannot have a line break within")
        fitting = [part for part in parts if len(part) <= min(self._bounds.segment, self._bounds.octets)]
        self.dropped += len(parts) - len(fitting)
        written = 0
        try:
            self.expire(now)
            while written < len(fitting):
                written += self._write(fitting[written:], now)
        except OSError as error:
            self.dropped += len(fitting) - written
            raise self._refused(error) from error

    def expire(self, now: float) -> None:
        """Drops what is too old."""
        try:
            self.expired += self._drop(overdue(self._segments, now, self._bounds))
        except OSError as error:
            raise self._refused(error) from error

    def _write(self, parts: Sequence[bytes], now: float) -> int:
        """As many as one segment takes; how many that were."""
        newest = self._segments[-1] if self._segments else Segment(0, int(now), self._bounds.segment)
        fresh = not takes_more(newest, len(parts[0]), now, self._bounds)
        segment = Segment(newest.number + 1, int(now), 0) if fresh else newest
        batch = list(_fitting(parts, min(self._bounds.segment - segment.octets, self._bounds.octets)))
        data = b"".join(batch)
        count = surplus(self._segments, len(data), self._bounds)
        if count == len(self._segments) and not fresh:
            # The newest one goes too, so it is not the one that is written to.
            fresh, segment = True, Segment(newest.number + 1, int(now), 0)
        self.dropped += self._drop(count)
        self._put(segment, data)
        grown = segment._replace(octets=segment.octets + len(data))
        self._segments = [*(self._segments if fresh else self._segments[:-1]), grown]
        return len(batch)

    def _put(self, segment: Segment, data: bytes) -> None:
        path = self._path(segment)
        descriptor = os.open(path, _APPEND, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError:
            # Half a line would spoil the next one.
            with suppress(OSError):
                os.ftruncate(descriptor, segment.octets)
            raise
        finally:
            os.close(descriptor)
        if not segment.octets:
            atomic.settle(self._folder)

    def _drop(self, count: int) -> int:
        """The oldest ones; how many lines they had."""
        lines = 0
        for _turn in range(count):
            path = self._path(self._segments[0])
            lines += (atomic.read(path) or b"").count(_END)
            with suppress(FileNotFoundError):
                os.unlink(path)
            del self._segments[0]
        return lines

    def _mended(self, segment: Segment) -> Segment:
        path = self._path(segment)
        data = atomic.read(path) or b""
        whole = data.rfind(_END) + 1
        if whole < len(data):
            os.truncate(path, whole)
        return segment._replace(octets=whole)

    def _path(self, segment: Segment) -> str:
        return f"{self._folder}/{segment.name}"

    def _refused(self, error: OSError) -> KernelError:
        return KernelError(f"spool {self._folder}", error.strerror or str(error))


def lines(folder: str) -> Iterator[str]:
    """All that is there, oldest first; none where there is no folder. Raises KernelError."""
    try:
        for segment in _segments(folder):
            # One that is gone by now was the oldest.
            data = atomic.read(f"{folder}/{segment.name}") or b""
            yield from (part.decode(errors="replace") for part in data.split(_END)[:-1])
    except FileNotFoundError:
        return
    except OSError as error:
        raise KernelError(f"spool {folder}", error.strerror or str(error)) from error


def _segments(folder: str) -> list[Segment]:
    """Oldest first. Files of other names are not ours."""
    found = []
    for name in os.listdir(folder):
        match = _NAME.fullmatch(name)
        if match:
            with suppress(FileNotFoundError):
                found.append(Segment(int(match[1]), int(match[2]), os.stat(f"{folder}/{name}").st_size))
    return sorted(found)


def _fitting(parts: Iterable[bytes], octets: int) -> Iterator[bytes]:
    for part in parts:
        octets -= len(part)
        if octets < 0:
            return
        yield part
