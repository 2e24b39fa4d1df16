# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that a spool is in: their names, and which of them go."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

# In a spool that somebody sends from: what tells it from all others.
MARK = "mark"

_NAME = re.compile(r"([0-9]{16})-([0-9]{1,12})\.jsonl")


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


def segments_in(folder: str) -> list[Segment]:
    """Oldest first. Files of other names are not ours."""
    found = []
    for name in os.listdir(folder):
        match = _NAME.fullmatch(name)
        if match:
            with suppress(FileNotFoundError):
                found.append(Segment(int(match[1]), int(match[2]), os.stat(f"{folder}/{name}").st_size))
    return sorted(found)
