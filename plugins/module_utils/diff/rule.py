# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What on a host stands in the way of networks that have routing tables of their own."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.marks import (
    FIRST_PRIORITY,
    FIRST_TAG,
    LAST_PRIORITY,
    LAST_TAG,
    MARK_MASK,
    MARK_SHIFT,
)
from ..model.plan import HostPlan
from ..model.route import MAIN_TABLE
from ..model.rule import LOOKUP, ForeignRule
from ..model.state import ROUTE, RULE, Foreign

# The kernel's table of the host's own addresses: what it finds there is delivered here and goes nowhere.
_LOCAL_TABLE = 255

_CONFIG = {
    4: "CONFIG_IP_MULTIPLE_TABLES",
    6: "CONFIG_IPV6_MULTIPLE_TABLES, and do not switch IPv6 off at boot (ipv6.disable=1)",
}
_TAGS = tuple(tag << MARK_SHIFT for tag in range(FIRST_TAG, LAST_TAG + 1))


def rule_faults(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """(subject, message) of everything that would send packets of networks elsewhere, or is itself hit by our rules."""
    if plan.rules:
        yield from _missing(plan, foreign)
        yield from _ahead(plan, foreign)
    yield from _tables(plan, foreign)


def _missing(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """A kernel that has rules of a family has its own, of which the lookup of its own addresses is one."""
    for family in sorted({rule.family for rule in plan.rules} - {rule.family for rule in foreign.rules}):
        yield (
            f"IPv{family} routing rules",
            (f"this kernel has none, and networks are kept apart by them; take one with {_CONFIG[family]}"),
        )


def _ahead(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    families = {rule.family for rule in plan.rules}
    for rule in foreign.rules:
        if rule.family not in families or rule.action == "nop" or (rule.action, rule.target) == (LOOKUP, _LOCAL_TABLE):
            continue
        subject = f"{RULE} {rule.words()}"
        among = FIRST_PRIORITY <= rule.priority <= LAST_PRIORITY
        # What has more conditions, and stands before ours, is an operator's own decision about some packets.
        if _takes(rule) and (among or (rule.priority < FIRST_PRIORITY and _broad(rule))):
            yield (
                subject,
                (
                    f"takes packets of networks and stands {'among' if among else 'before'} weft's own rules "
                    f"({FIRST_PRIORITY} to {LAST_PRIORITY}); give it a priority above {LAST_PRIORITY}"
                ),
            )
        elif rule.mark & rule.mask & MARK_MASK:
            yield (
                subject,
                (
                    f"is about bits of the packet mark that say which network a packet is of ({MARK_MASK:#x}), and "
                    "weft takes all packets that have them; use other bits"
                ),
            )


def _takes(rule: ForeignRule) -> bool:
    """Whether its mark lets it have a packet of some network. The bits that are not ours may be anything."""
    mask = rule.mask & MARK_MASK
    if not rule.inverted:
        return any(tag & mask == rule.mark & mask for tag in _TAGS)
    return rule.narrow or mask != rule.mask or any(tag & mask != rule.mark for tag in _TAGS)


def _broad(rule: ForeignRule) -> bool:
    """Whether it is about all packets but for their mark; all but some of them are as good as all."""
    return rule.inverted or not rule.narrow


def _tables(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    own = {rule.target for rule in plan.rules if rule.action == LOOKUP}
    own |= {route.table for route in plan.routes if route.table != MAIN_TABLE}
    for route in foreign.tables:
        if route.table in own:
            through = f" on {route.link}" if route.link else ""
            yield (
                f"{ROUTE} {route.destination}{through} in table {route.table}",
                (
                    "was not made by weft, which keeps a network's routes there and nothing else; remove it, "
                    "or move it to another table"
                ),
            )
