# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Classes: those of one network that no policy and no rule tells apart.

Networks that reach each other, also by way of others, are looked at together, as a realm; realms know nothing of each
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...intent.namespace import Namespace
from .bits import positions
from .ground import Ground
from .rules import NumberedRule, PolicyRules
from .selection import Profile, Selection


class Class(NamedTuple):
    """peers: whether those in it are peers. selections, sides: which sets of the realm it is in. runner: as of those in
    it."""

    network: str
    peers: bool
    selections: tuple[int, ...]
    sides: tuple[int, ...]
    runner: str


class PlacedRule(NamedTuple):
    """selection, side: positions of the sets of those that it is for, and of those on its far side."""

    rule: NumberedRule
    selection: int
    side: int


class Realm(NamedTuple):
    """rules: in the order of their numbers. classes: by position. members: who is of which class."""

    rules: tuple[PlacedRule, ...]
    classes: tuple[Class, ...]
    members: Mapping[Profile, int]


def realms(ground: Ground) -> list[tuple[str, ...]]:
    """Networks, in groups between which there is no peering."""
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for name in ground.reach:
        if name in seen:
            continue
        group, waiting = {name}, [name]
        while waiting:
            new = set(ground.reach[waiting.pop()]) - group
            group |= new
            waiting += new
        seen |= group
        found.append(tuple(sorted(group)))
    return found


def realm_of(
    profiles: Sequence[Profile], policies: Iterable[PolicyRules], ground: Ground, namespaces: Mapping[str, Namespace]
) -> Realm:
    """profiles: everybody there, once. policies: all whose scope is there, in order. namespaces: all that are there."""
    selection = Selection(profiles, ground, namespaces)
    selections, sides = _Sets(), _Sets()
    rules = tuple(
        PlacedRule(
            rule, selections.position(selection.entry(policy.selected)), sides.position(selection.side(rule.side))
        )
        for policy in policies
        for rule in policy.rules
    )
    by_selection = selections.by_member(len(profiles))
    by_side = sides.by_member(len(profiles))
    found: dict[Class, int] = {}
    members: dict[Profile, int] = {}
    for number, profile in enumerate(profiles):
        its_sets = (tuple(by_selection[number]), tuple(by_side[number]))
        members[profile] = found.setdefault(
            Class(profile.network, profile.namespace is not None, *its_sets, profile.runner), len(found)
        )
    return Realm(rules, tuple(found), members)


class _Sets:
    """Sets of profiles, as bits, each once."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def position(self, bits: int) -> int:
        return self._known.setdefault(bits, len(self._known))

    def by_member(self, count: int) -> list[list[int]]:
        """Which of them each is in."""
        found: list[list[int]] = [[] for _member in range(count)]
        for bits, position in self._known.items():
            for member in positions(bits):
                found[member].append(position)
        return found
