# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routes of the main table and of those that are ours, as rtnetlink knows them (linux/rtnetlink.h)."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from socket import AF_INET, AF_INET6
from struct import Struct
from typing import NamedTuple

from ...model import marks
from ...model.route import BLACKHOLE, MAIN_TABLE, UNICAST, UNREACHABLE, ForeignRoute, Route
from ...model.state import ROUTE
from .codec import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    RTM_DELROUTE,
    RTM_NEWROUTE,
    Attributes,
    Reply,
    Request,
    attr,
    attr_u32,
    attributes,
    cut,
    ip,
    packed,
    split,
    u32,
)

# family, length of destination and source prefix, TOS, table, protocol, scope, type, flags
_RTMSG = Struct("=BBBBBBBBI")
_NEXTHOP = Struct("=HBBi")  # length, flags, weight, index of the link

_RTA_DST = 1
_RTA_OIF = 4
_RTA_GATEWAY = 5
_RTA_PRIORITY = 6
_RTA_PREFSRC = 7
_RTA_METRICS = 8
_RTA_MULTIPATH = 9
_RTA_TABLE = 15
_RTA_VIA = 18

# Within _RTA_METRICS; the first has a bit for each that is locked.
_RTAX_LOCK = 1
_RTAX_MTU = 2

# In the eight bits of the header: the number stands in RTA_TABLE.
_TABLE_COMPAT = 252
_RTN_UNSPEC = 0
_NUMBERS = {UNICAST: 1, BLACKHOLE: 6, UNREACHABLE: 7}
_TYPES = {number: name for name, number in _NUMBERS.items()}
_RTN_PROHIBIT = 8
_LAST_METRIC = 0xFFFFFFFF
_SCOPE_UNIVERSE, _SCOPE_ANY = 0, 255
_RTNH_F_ONLINK = 4
_ANY = {AF_INET: "0.0.0.0", AF_INET6: "::"}  # noqa: S104  # the default route's destination, not a socket

PROTOCOL_KERNEL = 2

# Of all tables.
DUMP = _RTMSG.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)


class Seen(NamedTuple):
    """device: index of the link, 0 for none. via and source: "" for none. type: "" for one that is never ours.
    metric: 0 for none. mtu and locked: as in Route."""

    destination: str
    protocol: int
    device: int
    via: str
    source: str
    table: int
    type: str
    metric: int
    mtu: int = 0
    locked: bool = True

    def ours(self) -> bool:
        if self.protocol != marks.ROUTE_PROTOCOL:
            return False
        return self.type == UNICAST or (self.type != "" and self.metric == _LAST_METRIC)


def read(reply: Reply) -> Seen | None:
    """None for a route that plays no part here: of somebody else's table, another family, multicast, link-local."""
    family, length, _src, _tos, table, protocol, _scope, kind, _flags = _RTMSG.unpack_from(reply.body)
    # Most routes are of the table of the host's own addresses: they go at once.
    if table not in (MAIN_TABLE, _TABLE_COMPAT) or family not in _ANY:
        return None
    if kind not in _TYPES and kind != _RTN_PROHIBIT:
        return None
    payload = reply.body[_RTMSG.size :]
    found = attributes(payload)
    table = u32(payload, found[_RTA_TABLE]) if _RTA_TABLE in found else table
    ours = protocol == marks.ROUTE_PROTOCOL or marks.FIRST_TABLE <= table <= marks.LAST_TABLE
    if table != MAIN_TABLE and not ours:
        return None
    network = ip(payload, found[_RTA_DST]) if _RTA_DST in found else _ANY[family]
    if network.startswith(("fe80:", "ff")):
        return None
    index, via, known = _next_hop(payload, found)
    source = ip(payload, found[_RTA_PREFSRC]) if _RTA_PREFSRC in found else ""
    metric = u32(payload, found[_RTA_PRIORITY]) if _RTA_PRIORITY in found else 0
    name = _TYPES.get(kind, "") if known else ""
    mtu, locked = _mtu(payload, found)
    return Seen(f"{network}/{length}", protocol, index, via, source, table, name, metric, mtu, locked)


def _next_hop(payload: bytes, found: Attributes) -> tuple[int, str, bool]:
    """The first one: (index of its link, its address or "", whether that says it all). One of another family than the
    destination does not."""
    index = u32(payload, found[_RTA_OIF]) if _RTA_OIF in found else 0
    if _RTA_MULTIPATH in found:
        start = found[_RTA_MULTIPATH][0]
        length, _flags, _weight, index = _NEXTHOP.unpack_from(payload, start)
        payload = payload[start + _NEXTHOP.size : start + length]
        found = attributes(payload)
    via = ip(payload, found[_RTA_GATEWAY]) if _RTA_GATEWAY in found else ""
    return index, via, _RTA_VIA not in found


def _mtu(payload: bytes, found: Attributes) -> tuple[int, bool]:
    if _RTA_METRICS not in found:
        return 0, True
    metrics = cut(payload, found[_RTA_METRICS])
    values = attributes(metrics)
    if _RTAX_MTU not in values:
        return 0, True
    locks = u32(metrics, values[_RTAX_LOCK]) if _RTAX_LOCK in values else 0
    return u32(metrics, values[_RTAX_MTU]), locks & 1 << _RTAX_MTU != 0


def route_of(seen: Seen, names: Mapping[int, str]) -> Route:
    """One of ours. names: of links by index."""
    # What leads nowhere is in IPv6 on the loopback device.
    link = names.get(seen.device, "") if seen.type == UNICAST else ""
    return Route(seen.destination, seen.via, link, seen.source, seen.table, seen.type, seen.mtu, seen.locked)


def foreign_of(seen: Seen, names: Mapping[int, str]) -> ForeignRoute:
    link = names.get(seen.device)
    return ForeignRoute(seen.destination, link, seen.table, seen.via, seen.metric, seen.type, seen.mtu)


def add(route: Route, index: int) -> Request:
    """Refused where any route to the same destination is there already."""
    return Request(_subject(route), RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, _body(route, index, True))


def append(route: Route, index: int) -> Request:
    """Beside what is there, this one itself perhaps. Followed by the old one's removal this is a change without a gap
    that, unlike a replacement, cannot hit somebody else's route to the same destination."""
    flags = NLM_F_CREATE | NLM_F_APPEND
    return Request(_subject(route), RTM_NEWROUTE, flags, _body(route, index, True), (errno.EEXIST,))


def replace(route: Route, index: int) -> Request:
    """In the place of the first one to the same destination, whose ever that is: only where all are ours."""
    return Request(_subject(route), RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, _body(route, index, True))


def remove(route: Route, index: int) -> Request:
    return Request(_subject(route), RTM_DELROUTE, 0, _body(route, index, False), (errno.ESRCH, errno.ENODEV))


def _subject(route: Route) -> str:
    return f"{ROUTE} {route.key()}"


def _body(route: Route, index: int, new: bool) -> bytes:
    raw, length = split(route.destination)
    family = AF_INET if len(raw) == 4 else AF_INET6
    leads = route.type == UNICAST
    scope = _SCOPE_UNIVERSE if new else _SCOPE_ANY
    kind = _NUMBERS[route.type] if new or not leads else _RTN_UNSPEC
    flags = _RTNH_F_ONLINK if route.via else 0
    main = route.table == MAIN_TABLE
    header = (MAIN_TABLE if main else _TABLE_COMPAT, marks.ROUTE_PROTOCOL, scope, kind, flags)
    body = _RTMSG.pack(family, length, 0, 0, *header) + attr(_RTA_DST, raw)
    if not main:
        body += attr_u32(_RTA_TABLE, route.table)
    if not leads:
        body += attr_u32(_RTA_PRIORITY, _LAST_METRIC)
    if index:
        body += attr_u32(_RTA_OIF, index)
    if route.via:
        body += attr(_RTA_GATEWAY, packed(route.via))
    if route.source:
        body += attr(_RTA_PREFSRC, packed(route.source))
    if route.mtu:
        # IPv4 also removes what has these alone, and so of two that differ in nothing else the right one.
        lock = attr_u32(_RTAX_LOCK, 1 << _RTAX_MTU) if route.locked else b""
        body += attr(_RTA_METRICS, lock + attr_u32(_RTAX_MTU, route.mtu))
    return body
