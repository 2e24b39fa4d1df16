# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Shadows: prefixes out of a pool, by which peered networks with the same addresses know each other.

Of two such networks each knows all of the other one's cidrs of that family by shadows, so that between them an address
always says whose it is. Where a third network is peered with both, it knows both by shadows. A shadow is as large as
its cidr, and is used by one viewer only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from ...intent.network import Network
from ...intent.tenancy import Tenancy
from ...model.errors import Fault
from .ground import reach_of
from .ledger import ShadowKey, Shadows
from .prefix import Prefix, nested, prefix_of
from .shadow_views import Pair, Views


class Shadowed(NamedTuple):
    """given: (viewer, network, cidr) → shadow. With faults, some are missing."""

    views: Views
    given: Mapping[ShadowKey, Prefix]
    remember: Shadows
    faults: tuple[Fault, ...]


def shadowed(tenancy: Tenancy, remembered: Shadows) -> Shadowed:
    """Without a pool nobody has a shadow."""
    keys = sorted(_wanted(tenancy.networks)) if tenancy.shadows else []
    pool = _Pool([*map(prefix_of, tenancy.shadows)], keys, remembered)
    # The largest first, so that small ones do not lie in their way.
    refused = [key for key in sorted(keys, key=lambda key: (prefix_of(key[2]).length, key)) if not pool.give(key)]
    faults = tuple(Fault("domain.yaml", "shadows", _no_room(key)) for key in refused)
    pairs: dict[tuple[str, str], list[Pair]] = {}
    for viewer, network, cidr in keys:
        if (viewer, network, cidr) in pool.given:
            found = Pair(prefix_of(cidr), pool.given[viewer, network, cidr])
            pairs.setdefault((viewer, network), []).append(found)
    views = Views({both: tuple(found) for both, found in pairs.items()})
    return Shadowed(views, dict(sorted(pool.given.items())), pool.remember(), faults)


def _no_room(key: ShadowKey) -> str:
    viewer, network, cidr = key
    prefix = prefix_of(cidr)
    return (
        f"have no room for the IPv{prefix.version} network of /{prefix.length} by which {viewer} is to know {cidr} of "
        f"{network}; add a larger one"
    )


def _wanted(networks: Mapping[str, Network]) -> Iterator[ShadowKey]:
    for one, other, version in _alike(networks):
        for viewer, network in ((one, other), (other, one)):
            for cidr in networks[network].cidrs:
                if prefix_of(cidr).version == version:
                    yield viewer, network, cidr


def _alike(networks: Mapping[str, Network]) -> set[tuple[str, str, int]]:
    """Peered networks, in order, that cannot know each other by their own addresses, and the family of these."""
    found: set[tuple[str, str, int]] = set()
    for viewer, reached in reach_of(networks).items():
        there: dict[Prefix, list[str]] = {}
        for near in reached if len(reached) > 1 else ():
            for cidr in networks[near].cidrs:
                there.setdefault(prefix_of(cidr), []).append(near)
        for prefix, around in nested(there):
            names = {name for holder in (*around, prefix) for name in there[holder]}
            for pair in combinations(sorted(names), 2):
                apart = (pair,) if viewer in pair else ((viewer, pair[0]), (viewer, pair[1]))
                found |= {(min(both), max(both), prefix.version) for both in apart}
    return found


class _Pool:
    """What is in use, and what rests, is no one else's; of what rests the longest free is taken, if there is nothing
    else. given: so far."""

    def __init__(self, pool: Sequence[Prefix], keys: Iterable[ShadowKey], remembered: Shadows) -> None:
        self._pool = sorted(pool)
        self._remembered = remembered
        wanted = set(keys)
        known = {key: shadow for shadow, key in remembered.released}
        known.update(remembered.given)
        self.given: dict[ShadowKey, Prefix] = {}
        for key in sorted(wanted & set(known)):
            shadow = prefix_of(known[key])
            if any(holder.holds(shadow) for holder in self._pool) and not _overlapping(shadow, self.given.values()):
                self.given[key] = shadow

    def give(self, key: ShadowKey) -> bool:
        """False: there is no room."""
        if key not in self.given:
            resting = [prefix_of(shadow) for shadow, _key in self._resting()]
            found = self._free(prefix_of(key[2]), resting)
            while found is None and resting:
                resting.pop(0)
                found = self._free(prefix_of(key[2]), resting)
            if found is None:
                return False
            self.given[key] = found
        return True

    def _free(self, like: Prefix, resting: Iterable[Prefix]) -> Prefix | None:
        """The lowest of that size that is free."""
        taken = sorted({*self.given.values(), *resting})
        for holder in self._pool:
            if holder.version != like.version or holder.length > like.length:
                continue
            first = Prefix(like.version, holder.first, like.length)
            for other in taken:
                if other.holds(first) or first.holds(other):
                    first = Prefix(like.version, max(first.last(), other.last()) + 1, like.length)
            if first.last() <= holder.last():
                return first
        return None

    def _resting(self) -> list[tuple[str, ShadowKey]]:
        """The longest free first; none of them is in the way of what is in use."""
        gone = [(shadow, key) for key, shadow in sorted(self._remembered.given.items())]
        used = self.given
        return [
            (shadow, key)
            for shadow, key in dict.fromkeys((*self._remembered.released, *gone))
            if key not in used and not _overlapping(prefix_of(shadow), used.values())
        ]

    def remember(self) -> Shadows:
        return Shadows({key: str(found) for key, found in sorted(self.given.items())}, tuple(self._resting()))


def _overlapping(prefix: Prefix, others: Iterable[Prefix]) -> bool:
    return any(prefix.holds(other) or other.holds(prefix) for other in others)
