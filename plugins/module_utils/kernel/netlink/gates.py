# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Bridges whose ports are closed until somebody opens them (linux/if_bridge.h).

A bridge that looks at VLANs drops whatever comes in at, or would leave by, a port that is in none, and one without a
default VLAN puts new ports into none. Who is to pass is put into VLAN 1, untagged: nobody sees it on any wire.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from socket import AF_BRIDGE
from struct import Struct

from ...model.link import BRIDGE, Link
from ...model.state import LINK
from .channel import Channel
from .codec import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELLINK,
    RTM_GETLINK,
    RTM_NEWLINK,
    RTM_SETLINK,
    Reply,
    Request,
    attr,
    attr_name,
    attr_u8,
    attr_u32,
    attributes,
    cut,
    each,
    u8,
)
from .links import IFINFO, IFLA_AF_SPEC, IFLA_IFNAME, IFLA_INFO_DATA, IFLA_INFO_KIND, IFLA_LINKINFO, Seen, info_of

_IFLA_EXT_MASK = 29
_RTEXT_FILTER_BRVLAN = 2
_IFLA_BRIDGE_FLAGS, _IFLA_BRIDGE_VLAN_INFO = 0, 2
# To the bridge itself, not to the bridge that the link is a port of.
_BRIDGE_FLAGS_SELF = 2

_IFLA_BR_VLAN_FILTERING = 7
_IFLA_BR_VLAN_PROTOCOL = 8
_IFLA_BR_VLAN_DEFAULT_PVID = 39

# flags, number
_VLAN_INFO = Struct("=HH")
_PVID, _UNTAGGED = 2, 4
_U16 = Struct("=H")

# What a bridge gives new ports where nobody says otherwise, and what those have that we open.
VLAN = 1

_DUMP = IFINFO.pack(AF_BRIDGE, 0, 0, 0, 0) + attr_u32(_IFLA_EXT_MASK, _RTEXT_FILTER_BRVLAN)


def is_gated(seen: Seen) -> bool:
    """Whether this is a bridge that keeps new ports closed."""
    kind, data = info_of(seen)
    if kind != BRIDGE:
        return False
    found = attributes(data)
    if _IFLA_BR_VLAN_DEFAULT_PVID not in found or not u8(data, found[_IFLA_BR_VLAN_FILTERING]):
        return False
    return _default_of(data) == 0


def gated(channel: Channel, seen: Mapping[int, Seen]) -> frozenset[int]:
    """The gated bridges that are open themselves, and the open ports of gated bridges. seen: all links, by number."""
    bridges = {number for number, link in seen.items() if is_gated(link)}
    if not bridges:
        return frozenset()
    concerned = bridges | {number for number, link in seen.items() if link.master in bridges}
    return frozenset(concerned & open_links(channel))


def open_links(channel: Channel) -> frozenset[int]:
    """Bridges and ports that pass what has no VLAN tag, in the VLAN that all of ours are in."""
    return frozenset(map(_number_of_open, channel.dump("VLANs of bridges", RTM_GETLINK, _DUMP))) - {0}


def _number_of_open(reply: Reply) -> int:
    """0: it is not open."""
    number: int = IFINFO.unpack_from(reply.body)[2]
    payload = reply.body[IFINFO.size :]
    found = attributes(payload)
    spec = cut(payload, found[IFLA_AF_SPEC]) if IFLA_AF_SPEC in found else b""
    vlans = (_VLAN_INFO.unpack_from(part) for kind, part in each(spec) if kind == _IFLA_BRIDGE_VLAN_INFO)
    return number if any(vlan == VLAN and flags & _PVID and flags & _UNTAGGED for flags, vlan in vlans) else 0


def open_port(name: str, number: int) -> Request:
    """number: of a port, by which the kernel knows it. Nothing happens to one that is open."""
    return Request(f"{LINK} {name}", RTM_SETLINK, 0, _membership(number, itself=False))


def close_port(name: str, number: int) -> Request:
    """Its forwarding entries go too. It may be closed already, or gone."""
    return Request(f"{LINK} {name}", RTM_DELLINK, 0, _membership(number, itself=False), _GONE)


_GONE = (errno.ENODEV, errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL)


def open_bridge(name: str, number: int) -> Request:
    """For what the host itself sends and gets by it."""
    return Request(f"{LINK} {name}", RTM_SETLINK, 0, _membership(number, itself=True))


def settings() -> bytes:
    """Of a gated bridge, for its creation: attributes of its kind."""
    return attr_u8(_IFLA_BR_VLAN_FILTERING, 1) + attr(_IFLA_BR_VLAN_DEFAULT_PVID, _U16.pack(0))


def close_gate(bridge: Seen, ports: Iterable[Seen], open_before: Iterable[int]) -> list[Request]:
    """Makes a bridge gated while it works, and nobody who passes now is interrupted: a default VLAN that is no more is
    taken from the ports that have it, so they get it back, before anything looks at VLANs. A port that comes in between
    is closed, and stays so.

    open_before: open_links() of now.
    """
    passing = set(open_before)
    _kind, data = info_of(bridge)
    requests = [] if _default_of(data) == 0 else [_set(bridge, attr(_IFLA_BR_VLAN_DEFAULT_PVID, _U16.pack(0)))]
    requests.append(open_bridge(bridge.name, bridge.number))
    # One of them may be on its way out.
    staying = (open_port(port.name, port.number) for port in ports if port.number in passing)
    requests += [request._replace(missing=_GONE) for request in staying]
    return [*requests, _set(bridge, attr_u8(_IFLA_BR_VLAN_FILTERING, 1))]


def open_gate(bridge: Seen) -> list[Request]:
    """The opposite, in the opposite order: with the default VLAN the kernel puts all ports into it that have none."""
    pvid = attr(_IFLA_BR_VLAN_DEFAULT_PVID, _U16.pack(VLAN))
    return [_set(bridge, attr_u8(_IFLA_BR_VLAN_FILTERING, 0)), _set(bridge, pvid)]


def ask() -> Request:
    """A bridge that no kernel makes, for its name; one that knows VLANs says first that it does not know this sort of
    them (EPROTONOSUPPORT)."""
    data = attr(_IFLA_BR_VLAN_PROTOCOL, bytes(2))
    body = IFINFO.pack(0, 0, 0, 0, 0) + attr_name(IFLA_IFNAME, ".") + _of_bridge(data)
    return Request("VLANs of bridges", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)


def _default_of(data: bytes) -> int | None:
    """The default VLAN of a bridge; 0: none, None: the kernel does not say."""
    span = attributes(data).get(_IFLA_BR_VLAN_DEFAULT_PVID)
    return _U16.unpack_from(data, span[0])[0] if span else None


def _membership(number: int, *, itself: bool) -> bytes:
    flags = attr(_IFLA_BRIDGE_FLAGS, _U16.pack(_BRIDGE_FLAGS_SELF)) if itself else b""
    vlan = attr(_IFLA_BRIDGE_VLAN_INFO, _VLAN_INFO.pack(_PVID | _UNTAGGED, VLAN))
    return IFINFO.pack(AF_BRIDGE, 0, number, 0, 0) + attr(IFLA_AF_SPEC, flags + vlan)


def _set(bridge: Seen, data: bytes) -> Request:
    head = IFINFO.pack(0, 0, bridge.number, 0, 0)
    return Request(f"{LINK} {bridge.name}", RTM_NEWLINK, 0, head + _of_bridge(data))


def _of_bridge(data: bytes) -> bytes:
    return attr(IFLA_LINKINFO, attr_name(IFLA_INFO_KIND, BRIDGE) + attr(IFLA_INFO_DATA, data))


def wants_opening(before: Link | None, after: Link) -> bool:
    """Whether a port has to be opened: it is new, was closed, or comes from another bridge."""
    return after.gated and (before is None or not before.gated or before.master != after.master)
