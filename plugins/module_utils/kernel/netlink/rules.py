# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routing rules as rtnetlink knows them (linux/fib_rules.h)."""

from __future__ import annotations

import errno
from socket import AF_INET, AF_INET6
from struct import Struct
from typing import NamedTuple

from ...model import marks
from ...model.route import BLACKHOLE, UNREACHABLE
from ...model.rule import GOTO, LOOKUP, ForeignRule, Rule
from ...model.state import RULE
from .codec import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELRULE,
    RTM_NEWRULE,
    Reply,
    Request,
    attr_name,
    attr_u8,
    attr_u32,
    attributes,
    text,
    u8,
    u32,
)

# family, lengths of destination and source prefix, TOS, table, two reserved, action, flags
_HEADER = Struct("=BBBBBxxBI")

_FRA_IIFNAME = 3
_FRA_GOTO = 4
_FRA_PRIORITY = 6
_FRA_FWMARK = 10
_FRA_FLOW = 11
_FRA_SUPPRESS_IFGROUP = 13
_FRA_SUPPRESS_PREFIXLEN = 14
_FRA_TABLE = 15
_FRA_FWMASK = 16
_FRA_PAD = 18
_FRA_PROTOCOL = 21

# Attributes that are no condition on packets. All others are, also those that newer kernels have.
_SAYS = frozenset((_FRA_GOTO, _FRA_PRIORITY, _FRA_FLOW, _FRA_TABLE, _FRA_PAD, _FRA_PROTOCOL))
_MARKS = frozenset((_FRA_FWMARK, _FRA_FWMASK))
_SUPPRESSES = frozenset((_FRA_SUPPRESS_IFGROUP, _FRA_SUPPRESS_PREFIXLEN))
_NONE = 0xFFFFFFFF

_FIB_RULE_INVERT = 2
_ACTIONS = {1: LOOKUP, 2: GOTO, 3: "nop", 6: BLACKHOLE, 7: UNREACHABLE, 8: "prohibit"}
_NUMBERS = {name: number for number, name in _ACTIONS.items()}
_OURS = (LOOKUP, GOTO, UNREACHABLE)

_FAMILIES = {AF_INET: 4, AF_INET6: 6}
_NAMES = {number: family for family, number in _FAMILIES.items()}

# Of both families.
DUMP = _HEADER.pack(0, 0, 0, 0, 0, 0, 0)


class Seen(NamedTuple):
    """plain: it has nothing that ours never have. narrow: it has other conditions than the mark."""

    family: int
    priority: int
    mark: int
    mask: int
    link: str | None
    action: str
    target: int
    protocol: int
    inverted: bool
    narrow: bool
    plain: bool

    def ours(self) -> bool:
        return self.protocol == marks.ROUTE_PROTOCOL and self.plain


def read(reply: Reply) -> Seen | None:
    """None for one of another family (those of multicast routing have rules as well)."""
    family, to, source, tos, table, number, flags = _HEADER.unpack_from(reply.body)
    if family not in _FAMILIES:
        return None
    payload = reply.body[_HEADER.size :]
    found = attributes(payload)

    def value(kind: int, absent: int = 0) -> int:
        return u32(payload, found[kind]) if kind in found else absent

    action = _ACTIONS.get(number, str(number))
    mark = value(_FRA_FWMARK)
    more = bool(to or source or tos) or not set(found) <= _SAYS | _MARKS | _SUPPRESSES | {_FRA_IIFNAME}
    suppresses = any(value(kind, _NONE) != _NONE for kind in _SUPPRESSES)
    inverted = bool(flags & _FIB_RULE_INVERT)
    return Seen(
        family=_FAMILIES[family],
        priority=value(_FRA_PRIORITY),
        mark=mark,
        mask=value(_FRA_FWMASK, _NONE if mark else 0),
        link=text(payload, found[_FRA_IIFNAME]) if _FRA_IIFNAME in found else None,
        action=action,
        target={LOOKUP: value(_FRA_TABLE, table), GOTO: value(_FRA_GOTO)}.get(action, 0),
        protocol=u8(payload, found[_FRA_PROTOCOL]) if _FRA_PROTOCOL in found else 0,
        inverted=inverted,
        narrow=more or _FRA_IIFNAME in found,
        plain=not more and not suppresses and not inverted and action in _OURS,
    )


def rule_of(seen: Seen) -> Rule:
    """One of ours."""
    return Rule(seen.family, seen.priority, seen.mark, seen.mask, seen.action, seen.target, seen.link)


def foreign_of(seen: Seen) -> ForeignRule:
    condition = (seen.mark, seen.mask, seen.inverted, seen.narrow)
    return ForeignRule(seen.family, seen.priority, *condition, seen.action, seen.target)


def add(rule: Rule) -> Request:
    """Refused where there is one like it already; behind the others of its priority."""
    return Request(_subject(rule), RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, _body(rule))


def remove(rule: Rule) -> Request:
    """The protocol is in it, so that it is never somebody else's that is like ours."""
    return Request(_subject(rule), RTM_DELRULE, 0, _body(rule), (errno.ENOENT,))


def _subject(rule: Rule) -> str:
    return f"{RULE} {rule.key()}"


def _body(rule: Rule) -> bytes:
    body = _HEADER.pack(_NAMES[rule.family], 0, 0, 0, 0, _NUMBERS[rule.action], 0)
    body += attr_u32(_FRA_PRIORITY, rule.priority) + attr_u8(_FRA_PROTOCOL, marks.ROUTE_PROTOCOL)
    if rule.mask:
        body += attr_u32(_FRA_FWMARK, rule.mark) + attr_u32(_FRA_FWMASK, rule.mask)
    if rule.link is not None:
        body += attr_name(_FRA_IIFNAME, rule.link)
    if rule.action == LOOKUP:
        body += attr_u32(_FRA_TABLE, rule.target)
    if rule.action == GOTO:
        body += attr_u32(_FRA_GOTO, rule.target)
    return body
