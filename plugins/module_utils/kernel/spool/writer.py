# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lines on a disk, within a bound: in segments, of which the oldest goes first.

A line counts when its end is there. What a power failure left of one is passed over by whoever reads, and taken away by
whoever writes on. One process writes; others may read at any time.

Whole lines stay at their place, octets of a segment, until the segment goes: nothing else is ever written there. So a
place says up to where somebody has read (spool_reader.py). Numbers of segments never come twice, but in a spool that
was found empty when a process began to write; that one is another spool, and has no mark yet.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from ...model.errors import KernelError
from ...model.sending import Position
from .. import atomic
from .segments import BOUNDS, MARK, Bounds, Segment, overdue, segments_in, surplus, takes_more

_END = b"\n"
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Spool:
    """Who writes. dropped: lines that went before their time was up, or were not taken by the disk, since this began;
    expired: those whose time was up. unsent: lines that went, for either reason, before they were sent. sent: up to
    where they were; None, of either: nobody sends them. Every method raises KernelError naming the folder."""

    def __init__(self, folder: str, bounds: Bounds = BOUNDS, sent: Callable[[], Position | None] | None = None) -> None:
        self._folder = folder
        self._bounds = bounds
        self._sent = sent
        self.dropped = 0
        self.expired = 0
        self.unsent = 0
        # Number of the newest segment that there ever was; whether no more is written to it.
        self._newest = 0
        self._closed = False
        try:
            atomic.folder(folder)
            self._segments = segments_in(folder)
            if self._segments:
                self._newest = self._segments[-1].number
                self._segments[-1] = self._mended(self._segments[-1])
            else:
                with suppress(FileNotFoundError):
                    os.unlink(f"{folder}/{MARK}")
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
            written += self._after_failure()
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
        newest = self._segments[-1] if self._segments and not self._closed else None
        fresh = newest is None or not takes_more(newest, len(parts[0]), now, self._bounds)
        segment = Segment(self._newest + 1, int(now), 0) if fresh or newest is None else newest
        batch = list(_fitting(parts, min(self._bounds.segment - segment.octets, self._bounds.octets)))
        data = b"".join(batch)
        count = surplus(self._segments, len(data), self._bounds)
        if count == len(self._segments) and not fresh:
            # The newest one goes too, so it is not the one that is written to.
            fresh, segment = True, Segment(self._newest + 1, int(now), 0)
        self.dropped += self._drop(count)
        self._put(segment, data)
        self._newest, self._closed = segment.number, False
        grown = segment._replace(octets=segment.octets + len(data))
        self._segments = [*(self._segments if fresh else self._segments[:-1]), grown]
        return len(batch)

    def _put(self, segment: Segment, data: bytes) -> None:
        descriptor = os.open(self._path(segment), _APPEND, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not segment.octets:
            atomic.settle(self._folder)

    def _after_failure(self) -> int:
        """Whole lines that were written stay, for somebody may have read them, and what comes next has another place.
        How many they are, where the folder can still be read."""
        before = {segment.number: segment.octets for segment in self._segments}
        with suppress(OSError):
            self._segments = segments_in(self._folder)
            lines = 0
            for segment in self._segments:
                if segment.octets > before.get(segment.number, 0):
                    data = atomic.read(self._path(segment)) or b""
                    lines += data.count(_END, before.get(segment.number, 0))
            newest = self._segments[-1] if self._segments else None
            self._newest = max(self._newest, newest.number if newest else 0)
            # Of an empty one nobody has read anything; a disk that stays full is not to get one more each time.
            self._closed = newest is not None and newest.octets > 0
            return lines
        return 0

    def _drop(self, count: int) -> int:
        """The oldest ones; how many lines they had."""
        lines = 0
        sent = self._sent() if count and self._sent is not None else None
        for _turn in range(count):
            segment = self._segments[0]
            path = self._path(segment)
            data = atomic.read(path) or b""
            lines += data.count(_END)
            if sent is not None:
                self.unsent += data.count(_END, len(data) if segment.number < sent.segment else _from(sent, segment))
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
        for segment in segments_in(folder):
            # One that is gone by now was the oldest.
            data = atomic.read(f"{folder}/{segment.name}") or b""
            yield from (part.decode(errors="replace") for part in data.split(_END)[:-1])
    except FileNotFoundError:
        return
    except OSError as error:
        raise KernelError(f"spool {folder}", error.strerror or str(error)) from error


def _from(sent: Position, segment: Segment) -> int:
    """Where what was not sent begins in a segment that was not sent as a whole."""
    return sent.offset if segment.number == sent.segment else 0


def _fitting(parts: Iterable[bytes], octets: int) -> Iterator[bytes]:
    for part in parts:
        octets -= len(part)
        if octets < 0:
            return
        yield part
