# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where records come from: the programs that are loaded now. They may be replaced, or go, while the service runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...kernel.bpf.objects import map_path
from ...kernel.bpf.records import Event, Records
from ...model.errors import KernelError
from .names import Generations, Names

# How long a record waits for the plan of the generation that judged it: a run stores the plan at its end.
PATIENCE = 10.0
# So many wait at most, of some 300 octets each.
MOST_WAITING = 4096


class Source:
    """Reads the ring buffer that is pinned below a folder."""

    def __init__(self, folder: str) -> None:
        self._path = map_path(folder, "events")
        self._folder = folder
        self._records: Records | None = None
        self._pin: tuple[int, int] | None = None

    def fileno(self) -> int | None:
        """Readable when there are records; None: there are no programs."""
        return self._records.fileno() if self._records is not None else None

    def read(self) -> tuple[list[Event], bool]:
        """(records since the last time, whether other programs are loaded than then). Raises KernelError where nothing
        can be opened, and then reads what is left the next time."""
        pin = self._pinned()
        left = self._records.read() if self._records is not None else []
        if pin == self._pin:
            return left, False
        self.close()
        if pin is not None:
            try:
                self._records = Records(self._folder)
            except KernelError:
                # What the old ones had left is told, and the new ones are tried again.
                if left:
                    return left, False
                raise
            self._pin = pin
        return left + (self._records.read() if self._records is not None else []), True

    def close(self) -> None:
        if self._records is not None:
            self._records.close()
        self._records, self._pin = None, None

    def _pinned(self) -> tuple[int, int] | None:
        """Which map is pinned there: another one has another inode."""
        with suppress(FileNotFoundError):
            found = os.stat(self._path)
            return found.st_dev, found.st_ino
        return None


class Named(NamedTuple):
    event: Event
    names: Names


class Waiting:
    """Records on their way to their names. Times are in seconds, of a clock that never goes back."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._events: list[tuple[float, Event]] = []

    def add(self, events: Iterable[Event], now: float) -> None:
        self._events += [(now, event) for event in events]

    def ready(self, generations: Generations, now: float, patience: float = PATIENCE) -> Sequence[Named]:
        """Those whose names are known, and those that have waited long enough: they say as much as is sure. Where no
        policy was seen at all, they wait."""
        found: list[Named] = []
        waiting: list[tuple[float, Event]] = []
        surplus = len(self._events) - self._most
        for place, (since, event) in enumerate(self._events):
            late = now - since >= patience or place < surplus
            names = generations.nearest(event) if late else generations.known(event)
            if names is not None:
                found.append(Named(event, names))
            else:
                waiting.append((since, event))
        # Without any names they stay as many as fit; the counters have them all.
        self._events = waiting[-self._most :]
        return found

    def __len__(self) -> int:
        return len(self._events)
