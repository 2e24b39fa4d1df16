# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Another host's spool, here: the same segments with the same octets, so where the last one ends says up to where lines
arrived. That is why each is there once, however often it was sent, and whoever was cut off when.

When the host begins another spool (its disk was wiped), its segments are numbered on from those before. `origin` says
from where, and up to where lines had arrived when the last segment went for its age.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from typing import NamedTuple

from ...model.errors import KernelError
from ...model.sending import NOTHING, Batch, Position, known_octets
from .. import atomic
from .segments import BOUNDS, Bounds, Segment, overdue, segments_in, surplus

ORIGIN = "origin"
# Nobody is to fill a disk with the names of empty files.
MOST_SEGMENTS = 4096
_LARGEST = 10**16 - 1
_END = b"\n"
_WRITE = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class _Origin(NamedTuple):
    """mark: of the host's spool. base: what is added to its numbers here. at: where lines are from on that are in no
    segment before."""

    mark: str = ""
    base: int = 0
    at: Position = NOTHING


class Mirror:
    """Who writes; one of them for each folder. Raises KernelError naming the folder."""

    def __init__(self, folder: str, bounds: Bounds = BOUNDS) -> None:
        self._folder = folder
        self._bounds = bounds
        # None: to be read anew, because a step failed.
        self._known: tuple[_Origin, list[Segment]] | None = None

    def position(self, mark: str) -> Position:
        """Up to where the spool with this mark is here, on the disk."""
        try:
            origin, found = self._look()
        except OSError as error:
            raise self._refused(error) from error
        return _position(origin, found) if origin.mark == mark else NOTHING

    def take(self, mark: str, batch: Batch, now: float) -> Position:
        """Adds what of a batch is not here yet; up to where lines are on the disk then. now: seconds since 1970. What
        does not follow what is here is not taken. Raises KernelError also where it is no batch of lines."""
        if not batch.data.endswith(_END) or batch.end.offset > self._bounds.segment:
            raise KernelError(f"spool {self._folder}", "what arrived are no whole lines of a segment")
        try:
            atomic.folder(self._folder)
            self._look()
            self._expire(now)
            return self._take(mark, batch)
        except OSError as error:
            self._known = None
            raise self._refused(error) from error

    def expire(self, now: float) -> None:
        """Drops what is too old."""
        try:
            self._look()
            self._expire(now)
        except OSError as error:
            self._known = None
            raise self._refused(error) from error

    def _take(self, mark: str, batch: Batch) -> Position:
        origin, found = self._look()
        if origin.mark != mark:
            newest = found[-1].number if found else origin.base + origin.at.segment
            origin = _Origin(mark, newest)
            self._keep(origin, found)
        have = _position(origin, found)
        known = known_octets(have, batch)
        if known is None or known == len(batch.data):
            return have
        number = origin.base + batch.at.segment
        if number > _LARGEST:
            raise KernelError(f"spool {self._folder}", f"{batch.at.segment} is no number of a segment")
        data = batch.data[known:]
        last = found[-1] if found and found[-1].number == number else Segment(number, batch.at.began, 0)
        older = [segment for segment in found if segment.number != number]
        count = surplus(older, last.octets + len(data), self._bounds)
        self._drop(older, max(count, len(older) - MOST_SEGMENTS + 1))
        self._put(last, data)
        self._known = origin, [*older, last._replace(octets=last.octets + len(data))]
        return _position(*self._known)

    def _look(self) -> tuple[_Origin, list[Segment]]:
        if self._known is None:
            origin = _origin(atomic.read(f"{self._folder}/{ORIGIN}"))
            found: list[Segment] = []
            with suppress(FileNotFoundError):
                found = segments_in(self._folder)
            if found:
                found[-1] = self._mended(found[-1])
            self._known = origin, found
        return self._known

    def _mended(self, segment: Segment) -> Segment:
        path = f"{self._folder}/{segment.name}"
        whole = (atomic.read(path) or b"").rfind(_END) + 1
        if whole < segment.octets:
            os.truncate(path, whole)
        return segment._replace(octets=whole)

    def _expire(self, now: float) -> None:
        origin, found = self._look()
        count = overdue(found, now, self._bounds)
        if count and count == len(found):
            origin = origin._replace(at=_position(origin, found))
            self._keep(origin, found)
        self._drop(found, count)

    def _drop(self, segments: list[Segment], count: int) -> None:
        for _turn in range(max(count, 0)):
            with suppress(FileNotFoundError):
                os.unlink(f"{self._folder}/{segments[0].name}")
            del segments[0]

    def _put(self, segment: Segment, data: bytes) -> None:
        # One that should be there and is not, somebody else took away: what is there is then read anew.
        flags = _WRITE if segment.octets else _WRITE | os.O_CREAT
        descriptor = os.open(f"{self._folder}/{segment.name}", flags, 0o600)
        try:
            if os.lseek(descriptor, 0, os.SEEK_END) != segment.octets:
                raise OSError(errno.ESTALE, f"{segment.name} was changed by somebody else")
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError as error:
            # Nothing of it was acknowledged, so all of it comes again.
            if error.errno != errno.ESTALE:
                with suppress(OSError):
                    os.ftruncate(descriptor, segment.octets)
            raise
        finally:
            os.close(descriptor)
        if not segment.octets:
            atomic.settle(self._folder)

    def _keep(self, origin: _Origin, found: list[Segment]) -> None:
        document = {**origin._asdict(), "at": list(origin.at)}
        atomic.write(f"{self._folder}/{ORIGIN}", json.dumps(document).encode() + _END)
        atomic.settle(self._folder)
        self._known = origin, found

    def _refused(self, error: OSError) -> KernelError:
        return KernelError(f"spool {self._folder}", error.strerror or str(error))


def _origin(data: bytes | None) -> _Origin:
    """A damaged one is none: what the host still has comes again, after what is here."""
    try:
        document = json.loads(data or b"{}")
        return _Origin(str(document["mark"]), int(document["base"]), Position(*map(int, document["at"])))
    except (ValueError, KeyError, TypeError):
        return _Origin()


def _position(origin: _Origin, found: list[Segment]) -> Position:
    newest = found[-1] if found else None
    if newest is None or newest.number <= origin.base:
        return origin.at
    number = newest.number - origin.base
    before = origin.at.offset if number == origin.at.segment else 0
    return Position(number, newest.began, before + newest.octets)
