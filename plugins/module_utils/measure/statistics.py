# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a handful of noisy rounds allows to be said, and what it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

# Two sets of rounds are told apart only if chance alone would do it at most this often.
CHANCE = 0.1


class Summary(NamedTuple):
    """Of one metric over the rounds of a run."""

    low: float
    median: float
    high: float
    rounds: int


class Comparison(NamedTuple):
    """Two summaries of one metric. ratio: of the medians, after ÷ before; None where before is 0.

    distinct: whether they may be called different, see `distinct`.
    """

    before: Summary
    after: Summary
    ratio: float | None
    distinct: bool


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0–1) of the values lie, interpolated between neighbours (R's type 7, what
    spreadsheets call PERCENTILE.INC). Of no values there is none: ValueError."""
    if not values:
        raise ValueError("no values, no quantile")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    between = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
    # Rounding must not carry the result past the values that it lies between.
    return min(max(between, ordered[below]), ordered[above])


def summary(values: Sequence[float]) -> Summary:
    """Lowest, median and highest of at least one value."""
    return Summary(min(values), quantile(values, 0.5), max(values), len(values))


def chance(first: int, second: int) -> float:
    """How probable it is that the ranges of so many and so many rounds do not overlap although nothing differs.

    All orders of the rounds are then equally probable, and two of them keep the sets apart: 2 / C(n+m, n).
    """
    return min(1.0, 2 / math.comb(first + second, first))


def distinct(before: Summary, after: Summary) -> bool:
    """Whether two sets of rounds may be called different: their ranges do not overlap, and there are enough rounds
    for that to mean something (three of each, or as many as bring chance() down to CHANCE)."""
    apart = before.high < after.low or after.high < before.low
    return apart and chance(before.rounds, after.rounds) <= CHANCE


def compare(before: Sequence[float], after: Sequence[float]) -> Comparison:
    """Of at least one value each."""
    old, new = summary(before), summary(after)
    return Comparison(old, new, new.median / old.median if old.median else None, distinct(old, new))
