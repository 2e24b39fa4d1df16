# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The walk of a packet through routing rules, as the kernel does it (fib_rules_lookup in net/core/fib_rules.c).

Written from there, not from our rules: it takes the list in the kernel's order, follows a goto to the first rule of the
priority it names, goes past a goto that leads to nothing and past a lookup that finds nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class End(NamedTuple):
    """where: a table's number, "unreachable", or "past" for what our rules leave to those after them. steps: rules that
    were looked at."""

    where: int | str
    steps: int


def walk(rules, mark, answers=lambda _table: True):
    """rules: of one family, in the order they were made. answers: whether a table has a route for this packet, also one
    that refuses it."""
    ordered = sorted(rules, key=lambda rule: rule.priority)  # stable: behind the others of its priority
    position, steps = 0, 0
    while position < len(ordered):
        rule = ordered[position]
        steps += 1
        position += 1
        if mark & rule.mask != rule.mark:
            continue
        if rule.action == "goto":
            position = next((n for n, other in enumerate(ordered) if other.priority == rule.target), position)
        elif rule.action == "unreachable":
            return End("unreachable", steps)
        elif rule.action == "lookup":
            if answers(rule.target):
                return End(rule.target, steps)
        else:
            raise ValueError(rule.action)
    return End("past", steps)
