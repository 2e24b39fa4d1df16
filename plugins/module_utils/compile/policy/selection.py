# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whom selectors, cidrs and rules mean, without asking each of them about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...intent.namespace import Namespace
from ...intent.selector import EXISTS, IN, NOT_IN, Expression
from .bits import positions, union
from .ground import Ground, Regions
from .prefix import Prefix, nested
from .rules import Block, Everybody, Group, Labels, Side

Pairs = tuple[tuple[str, str], ...]


class Profile(NamedTuple):
    """All that a policy can know of somebody. namespace: None: it is no peer. labels: sorted. runner: that alone knows
    where exactly it is; "": all do."""

    network: str
    namespace: str | None
    labels: Pairs
    regions: Regions
    runner: str = ""


class Labelled:
    """Things with labels, by position."""

    def __init__(self, labels: Iterable[Iterable[tuple[str, str]]]) -> None:
        self._all = 0
        self._values: dict[tuple[str, str], int] = {}
        self._keys: dict[str, int] = {}
        for position, pairs in enumerate(labels):
            bit = 1 << position
            self._all |= bit
            for pair in pairs:
                self._values[pair] = self._values.get(pair, 0) | bit
                self._keys[pair[0]] = self._keys.get(pair[0], 0) | bit

    def select(self, labels: Labels) -> int:
        found = self._all
        for pair in labels.labels:
            found &= self._values.get(pair, 0)
        for expression in labels.expressions:
            found &= self._holding(expression)
        return found

    def _holding(self, expression: Expression) -> int:
        if expression.operator in (IN, NOT_IN):
            found = union(self._values.get((expression.key, value), 0) for value in expression.values)
        else:
            found = self._keys.get(expression.key, 0)
        return found if expression.operator in (IN, EXISTS) else self._all & ~found


class Selection:
    """Sets of profiles by position."""

    def __init__(self, profiles: Sequence[Profile], ground: Ground, namespaces: Mapping[str, Namespace]) -> None:
        self._ground = ground
        self._peers: dict[str, int] = {}
        self._strangers: dict[str, int] = {}
        self._members: dict[str, int] = {}
        at: dict[str, dict[Prefix, int]] = {}
        for position, profile in enumerate(profiles):
            bit = 1 << position
            kind = self._strangers if profile.namespace is None else self._peers
            kind[profile.network] = kind.get(profile.network, 0) | bit
            if profile.namespace is not None:
                self._members[profile.namespace] = self._members.get(profile.namespace, 0) | bit
            for network, prefix in profile.regions:
                found = at.setdefault(network, {})
                found[prefix] = found.get(prefix, 0) | bit
        self._inside = {network: _inside(ground.named[network], found) for network, found in at.items()}
        self._labels = Labelled(profile.labels for profile in profiles)
        self._namespaces = sorted(namespaces)
        self._networks: dict[str, int] = {}
        for position, name in enumerate(self._namespaces):
            network = namespaces[name].network
            self._networks[network] = self._networks.get(network, 0) | 1 << position
        self._of_namespaces = Labelled(tuple(namespaces[name].labels.items()) for name in self._namespaces)
        self._known: dict[Everybody | Block | Group, int] = {}
        self._sides: dict[Side, int] = {}

    def side(self, side: Side) -> int:
        if side not in self._sides:
            self._sides[side] = union(map(self.entry, side))
        return self._sides[side]

    def entry(self, entry: Everybody | Block | Group) -> int:
        if entry not in self._known:
            self._known[entry] = self._entry(entry)
        return self._known[entry]

    def _entry(self, entry: Everybody | Block | Group) -> int:
        if isinstance(entry, Everybody):
            near = union(self._peers.get(network, 0) for network in self._ground.reach[entry.network])
            return near | self._strangers.get(entry.network, 0)
        if isinstance(entry, Block):
            inside = self._inside.get(entry.network, {})
            return inside.get(entry.cidr, 0) & ~union(inside.get(prefix, 0) for prefix in entry.excluded)
        found = self._homes(entry)
        return found if entry.peers is None else found & self._labels.select(entry.peers)

    def _homes(self, group: Group) -> int:
        if group.namespace is not None:
            return self._members.get(group.namespace, 0)
        if group.namespaces is None:
            return self._peers.get(group.network, 0)
        near = union(self._networks.get(network, 0) for network in self._ground.reach[group.network])
        selected = near & self._of_namespaces.select(group.namespaces)
        return union(self._members.get(self._namespaces[position], 0) for position in positions(selected))


def _inside(named: Iterable[Prefix], innermost: Mapping[Prefix, int]) -> dict[Prefix, int]:
    """innermost: whose innermost prefix it is. By prefix, who is inside of it."""
    found: dict[Prefix, int] = {}
    holder: dict[Prefix, Prefix] = {}
    for prefix, around in nested(named):
        found[prefix] = innermost.get(prefix, 0)
        if around:
            holder[prefix] = around[-1]
    # What is held comes after its holder.
    for prefix in reversed(found):
        if prefix in holder:
            found[holder[prefix]] |= found[prefix]
    return found
