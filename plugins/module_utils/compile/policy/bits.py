# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sets of positions as the bits of one number: what two sets of ten thousand have in common costs less than a look into
a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def positions(bits: int) -> Iterator[int]:
    """Of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def union(sets: Iterable[int]) -> int:
    found = 0
    for bits in sets:
        found |= bits
    return found
