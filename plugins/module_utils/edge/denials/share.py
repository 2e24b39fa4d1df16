# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How many lines of whom are written: so few that no flood fills a disk, and of everybody some.

The programs let through ten records a second of each sender, which is too much to keep for weeks. Each sender has a
share of lines, and all of them together have one; what is beyond is held back, and the sender's next line says how
much it was. Counters (see the metrics) count all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Rate(NamedTuple):
    """burst: lines at once. every: seconds after which there may be one more."""

    burst: int
    every: float


# Some 17 000 lines, or 7 MB, a day of one that never stops; a tenth of what the spool holds.
SENDER = Rate(60, 5.0)
# Some 350 MB a day at the very most.
ALL = Rate(1000, 0.1)

# Who sent it: what the programs share out by, too. Senders without an identity are told apart by where they came in.
Sender = tuple[int, int]


class Admitted(NamedTuple):
    """place: in what was asked, from 0. held_back: lines of the same sender, since its last one."""

    place: int
    held_back: int


class Shares:
    """Times are in seconds, of a clock that never goes back."""

    def __init__(self, sender: Rate = SENDER, together: Rate = ALL) -> None:
        self._sender = sender
        self._together = together
        # Until when a share is used up.
        self._until: dict[Sender, float] = {}
        self._all_until = 0.0
        self._held_back: dict[Sender, int] = {}
        self.held_back = 0

    def admit(self, senders: Iterable[Sender], now: float) -> list[Admitted]:
        """Which of them are written, in their order. Where all together are too many, everybody's first comes before
        anybody's second, and those who have used less of their share come first."""
        asked = list(senders)
        within = [(turn, self._until.get(asked[index], now), index) for index, turn in _turns(asked)]
        admitted = sorted(index for _turn, _used, index in sorted(within) if self._take(asked[index], now))
        chosen = set(admitted)
        found = []
        for index, sender in enumerate(asked):
            if index in chosen:
                found.append(Admitted(index, self._held_back.pop(sender, 0)))
            else:
                self._held_back[sender] = self._held_back.get(sender, 0) + 1
                self.held_back += 1
        self._forget(now)
        return found

    def waiting(self) -> int:
        """Lines that were held back and of which no line has told yet."""
        return sum(self._held_back.values())

    def _take(self, sender: Sender, now: float) -> bool:
        mine, every = (
            _used(self._until.get(sender, now), self._sender, now),
            _used(self._all_until, self._together, now),
        )
        if mine is None or every is None:
            return False
        self._until[sender], self._all_until = mine, every
        return True

    def _forget(self, now: float) -> None:
        """Whoever has all of their share again, and nothing to be told of, is as one never seen."""
        self._until = {sender: until for sender, until in self._until.items() if until > now}


def _used(until: float, rate: Rate, now: float) -> float | None:
    """Until when a share is used up with one more line; None: it has been used up."""
    then = max(until, now) + rate.every
    return then if then <= now + rate.burst * rate.every + 1e-6 else None


def _turns(asked: list[Sender]) -> Iterable[tuple[int, int]]:
    """(index, how many of the same sender came before)."""
    seen: dict[Sender, int] = {}
    for index, sender in enumerate(asked):
        yield index, seen.get(sender, 0)
        seen[sender] = seen.get(sender, 0) + 1
