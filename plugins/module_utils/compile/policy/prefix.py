# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prefixes, and who is inside of whom. Two of them never overlap in part: one holds the other, or they are apart."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Generic, NamedTuple, TypeVar

V = TypeVar("V")

_BITS = {4: 32, 6: 128}


class Prefix(NamedTuple):
    """first: its first address, as a number. In their natural order a prefix comes before all that it holds."""

    version: int
    first: int
    length: int

    def __str__(self) -> str:
        address = IPv4Address(self.first) if self.version == 4 else IPv6Address(self.first)
        return f"{address}/{self.length}"

    def shown(self) -> str:
        """As a reader would write it: one address without its length."""
        return str(self).partition("/")[0] if self.single() else str(self)

    def single(self) -> bool:
        """Whether it is one address."""
        return self.length == _BITS[self.version]

    def size(self) -> int:
        """How many addresses it has."""
        return 1 << _BITS[self.version] - self.length

    def last(self) -> int:
        """Its last address, as a number."""
        return self.first | self.size() - 1

    def holds(self, other: Prefix) -> bool:
        """Whether `other` is inside; it is inside of itself."""
        return (
            self.version == other.version
            and self.length <= other.length
            and self.first <= other.first
            and other.last() <= self.last()
        )

    def halves(self) -> tuple[Prefix, Prefix]:
        """Of more than one address."""
        low = self._replace(length=self.length + 1)
        return low, low._replace(first=self.first + low.size())

    def moved(self, start: Prefix, end: Prefix) -> Prefix:
        """What is where it is in `start`, in `end`, which is as large."""
        return Prefix(end.version, end.first + self.first - start.first, self.length)

    def reflected(self, start: Prefix, end: Prefix) -> Prefix | None:
        """What of it `start` has, in `end`, which is as large; None: nothing."""
        if start.holds(self):
            return self.moved(start, end)
        return end if self.holds(start) else None

    def cut(self, length: int) -> Prefix:
        """The prefix of that length around it."""
        spare = _BITS[self.version] - length
        return Prefix(self.version, self.first >> spare << spare, length)


@lru_cache(maxsize=1 << 16)
def prefix_of(text: str) -> Prefix:
    """A prefix, or an address as one of full length. Raises ValueError for anything else."""
    network = ip_network(text)
    return Prefix(network.version, int(network.network_address), network.prefixlen)


class Forest(Generic[V]):
    """Prefixes with values, in order."""

    def __init__(self, values: Mapping[Prefix, V]) -> None:
        self.values = dict(sorted(values.items()))
        self._sorted = list(self.values)
        lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for prefix in self._sorted:
            lengths[prefix.version].add(prefix.length)
        self._lengths = {version: sorted(found, reverse=True) for version, found in lengths.items()}

    def __iter__(self) -> Iterator[Prefix]:
        return iter(self._sorted)

    def innermost(self, prefix: Prefix) -> Prefix | None:
        """The longest that holds it; None: none does."""
        for length in self._lengths[prefix.version]:
            if length <= prefix.length and (found := prefix.cut(length)) in self.values:
                return found
        return None

    def around(self, prefix: Prefix) -> list[Prefix]:
        """Those that hold it, the longest first."""
        lengths = (length for length in self._lengths[prefix.version] if length <= prefix.length)
        return [found for found in map(prefix.cut, lengths) if found in self.values]

    def within(self, prefix: Prefix) -> list[Prefix]:
        """Those inside of it."""
        low = bisect_left(self._sorted, prefix)
        return self._sorted[low : bisect_right(self._sorted, Prefix(prefix.version, prefix.last(), _BITS[6]))]


def nested(prefixes: Iterable[Prefix]) -> Iterator[tuple[Prefix, list[Prefix]]]:
    """Each of them, in order, with those that hold it, the widest first. The list is good until the next one."""
    around: list[Prefix] = []
    for prefix in sorted(prefixes):
        while around and not around[-1].holds(prefix):
            around.pop()
        yield prefix, around
        around.append(prefix)


def inhabited(prefixes: Iterable[Prefix]) -> set[Prefix]:
    """Those in which some address is in no longer one of them."""
    left: dict[Prefix, int] = {}
    for prefix, around in nested(prefixes):
        left[prefix] = prefix.size()
        if around:
            left[around[-1]] -= prefix.size()
    return {prefix for prefix, count in left.items() if count}


def without(prefix: Prefix, holes: Iterable[Prefix]) -> list[Prefix]:
    """All of it but these: in the fewest prefixes, in order."""
    inside = [hole for hole in holes if prefix.holds(hole)]
    if not inside:
        return [prefix]
    if prefix in inside:
        return []
    return [left for half in prefix.halves() for left in without(half, inside)]


def in_common(texts: Iterable[str], cidrs: Iterable[str]) -> Iterator[Prefix]:
    """What texts and cidrs have in common: of two that overlap, the longer one."""
    wide = [prefix_of(cidr) for cidr in cidrs]
    for prefix in map(prefix_of, texts):
        for cidr in wide:
            if cidr.holds(prefix):
                yield prefix
            elif prefix.holds(cidr):
                yield cidr
