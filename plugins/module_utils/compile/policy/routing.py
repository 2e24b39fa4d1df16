# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A routing table for each network of a host, and the rules that lead its packets there and nowhere else.

The kernel walks all rules in the order of their priorities, some 10 ns each, for each packet. So:

    70        not judged (0)       goto 90      one step for everything that is no network's
    71        of no network (255)  goto 90
    72        tags 16h to 16h+15   goto 73+h    past _FLAT networks, for each h that has some; h = 0 comes next anyway
    73 to 88  tag                  lookup its table, at 73 + tag / 16
    89, 90    any tag              unreachable

So a packet of a network passes 35 rules at most. A tag keeps its rule when others come or go, also over _FLAT. The last
two refuse a tag that has no rule here, and whatever a table has let pass; so nothing with a tag ever reaches the main
table, not even while rules are being made or removed. They are about tags alone: a packet without one passes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...model.marks import FIRST_PRIORITY, MARK_MASK, MARK_SHIFT, NO_TAG
from ...model.route import UNREACHABLE, Route
from ...model.rule import GOTO, LOOKUP, Rule
from .tags import table_of

_FAMILIES = (4, 6)
_DEFAULTS = ("0.0.0.0/0", "::/0")

# So many networks are walked one by one.
_FLAT = 32
_BRANCHES, _LEAVES = 16, 16
_BRANCH_MASK = 0xF0

_UNJUDGED, _UNTAGGED, _TREE, _LOOKUPS = range(FIRST_PRIORITY, FIRST_PRIORITY + 4)
_REFUSALS = _LOOKUPS + _BRANCHES
_LAST = _REFUSALS + 1

_TAG_BITS = 8
_ANY_TAG = MARK_MASK >> MARK_SHIFT


class Tables(NamedTuple):
    """What a host has of its networks' routing."""

    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = ()


def routing(tags: Mapping[str, int], routes: Mapping[str, Iterable[Route]]) -> Tables:
    """tags: of the networks of this host, by name. routes: of each, as they would be in the main table; they have no
    source here, since the host's own packets do not go by them. Of a network without routes everything is refused."""
    if not tags:
        return Tables()
    return Tables(
        rules=tuple(rule for family in _FAMILIES for rule in _rules(family, sorted(tags.values()))),
        routes=tuple(route for name, tag in _by_tag(tags) for route in _table(table_of(tag), routes.get(name, ()))),
    )


def _by_tag(tags: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(tags.items(), key=lambda item: item[1])


def _table(table: int, routes: Iterable[Route]) -> Iterator[Route]:
    for default in _DEFAULTS:
        yield Route(default, "", "", "", table, UNREACHABLE)
    for route in routes:
        yield route._replace(source="", table=table)


def _rules(family: int, tags: list[int]) -> Iterator[Rule]:
    yield _rule(family, _UNJUDGED, 0, _ANY_TAG, GOTO, _LAST)
    yield _rule(family, _UNTAGGED, NO_TAG, _ANY_TAG, GOTO, _LAST)
    if len(tags) > _FLAT:
        for branch in sorted({tag // _LEAVES for tag in tags} - {0}):
            yield _rule(family, _TREE, branch * _LEAVES, _BRANCH_MASK, GOTO, _LOOKUPS + branch)
    for tag in tags:
        yield _rule(family, _LOOKUPS + tag // _LEAVES, tag, _ANY_TAG, LOOKUP, table_of(tag))
    yield from _refusals(family)


def _refusals(family: int) -> Iterator[Rule]:
    """All numbers of eight bits but 0 and 255 have, going round, a 1 that is followed by a 0; only those two have none.
    Every goto that passes the rest by leads to the last of these."""
    for bit in range(_TAG_BITS):
        one, zero = 1 << bit, 1 << (bit + 1) % _TAG_BITS
        yield _rule(family, _LAST if bit == _TAG_BITS - 1 else _REFUSALS, one, one | zero, UNREACHABLE)


def _rule(family: int, priority: int, tag: int, mask: int, action: str, target: int = 0) -> Rule:
    return Rule(family, priority, tag << MARK_SHIFT, mask << MARK_SHIFT, action, target)
