# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routes of the main table as rtnetlink knows them (linux/rtnetlink.h)."""

from __future__ import annotations

import errno
from socket import AF_INET, AF_INET6
from struct import Struct
from typing import NamedTuple

from ...model import marks
from ...model.route import Route
from ...model.state import ROUTE
from .codec import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELROUTE,
    RTM_NEWROUTE,
    Reply,
    Request,
    attr,
    attr_u32,
    attributes,
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
_RTA_PREFSRC = 7
_RTA_MULTIPATH = 9

_TABLE_MAIN = 254
_RTN_UNSPEC, _RTN_UNICAST = 0, 1
# unicast, blackhole, unreachable, prohibit
_TYPES = frozenset({1, 6, 7, 8})
_SCOPE_UNIVERSE, _SCOPE_ANY = 0, 255
_RTNH_F_ONLINK = 4
_ANY = {AF_INET: "0.0.0.0", AF_INET6: "::"}  # noqa: S104  # the default route's destination, not a socket

PROTOCOL_KERNEL = 2

# The kernel reads the table where the socket asks for strict checking; older kernels send all tables.
DUMP = _RTMSG.pack(0, 0, 0, 0, _TABLE_MAIN, 0, 0, 0, 0)


class Seen(NamedTuple):
    """device: index of the link, 0 for none. via and source: "" for none."""

    destination: str
    protocol: int
    device: int
    via: str
    source: str

    def ours(self) -> bool:
        return self.protocol == marks.ROUTE_PROTOCOL


def read(reply: Reply) -> Seen | None:
    """None for a route that plays no part here: of another table or family, multicast, link-local."""
    family, length, _src, _tos, table, protocol, _scope, kind, _flags = _RTMSG.unpack_from(reply.body)
    if table != _TABLE_MAIN or kind not in _TYPES or family not in _ANY:
        return None
    payload = reply.body[_RTMSG.size :]
    found = attributes(payload)
    network = ip(payload, found[_RTA_DST]) if _RTA_DST in found else _ANY[family]
    if network.startswith(("fe80:", "ff")):
        return None
    index = u32(payload, found[_RTA_OIF]) if _RTA_OIF in found else 0
    if _RTA_MULTIPATH in found:
        index = _NEXTHOP.unpack_from(payload, found[_RTA_MULTIPATH][0])[3]
    via = ip(payload, found[_RTA_GATEWAY]) if _RTA_GATEWAY in found else ""
    source = ip(payload, found[_RTA_PREFSRC]) if _RTA_PREFSRC in found else ""
    return Seen(f"{network}/{length}", protocol, index, via, source)


def add(route: Route, index: int) -> Request:
    """Refused where any route to the same destination is there already."""
    return Request(_subject(route), RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, _body(route, index, True))


def append(route: Route, index: int) -> Request:
    """Beside what is there. Followed by the old one's removal this is a change without a gap that, unlike a
    replacement, cannot hit somebody else's route to the same destination."""
    return Request(_subject(route), RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, _body(route, index, True))


def remove(route: Route, index: int) -> Request:
    return Request(_subject(route), RTM_DELROUTE, 0, _body(route, index, False), (errno.ESRCH, errno.ENODEV))


def _subject(route: Route) -> str:
    return f"{ROUTE} {route.destination}"


def _body(route: Route, index: int, new: bool) -> bytes:
    raw, length = split(route.destination)
    family = AF_INET if len(raw) == 4 else AF_INET6
    scope, kind = (_SCOPE_UNIVERSE, _RTN_UNICAST) if new else (_SCOPE_ANY, _RTN_UNSPEC)
    flags = _RTNH_F_ONLINK if route.via else 0
    body = _RTMSG.pack(family, length, 0, 0, _TABLE_MAIN, marks.ROUTE_PROTOCOL, scope, kind, flags)
    body += attr(_RTA_DST, raw)
    if index:
        body += attr_u32(_RTA_OIF, index)
    if route.via:
        body += attr(_RTA_GATEWAY, packed(route.via))
    if route.source:
        body += attr(_RTA_PREFSRC, packed(route.source))
    return body
