# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links as rtnetlink knows them (linux/if_link.h): read into Seen, Link and ForeignLink."""

from __future__ import annotations

from collections.abc import Collection
from struct import Struct
from typing import NamedTuple

from ...model import marks
from ...model.link import BRIDGE, VXLAN, WIREGUARD, ForeignLink, Link
from .codec import Attributes, Reply, attr_u32, attributes, cut, ip, text, u8, u32

# family, type, index, flags, mask of the flags to change
IFINFO = Struct("=BxHiII")
IFF_UP = 0x1
IFF_LOOPBACK = 0x8

IFLA_ADDRESS = 1
IFLA_IFNAME = 3
IFLA_MTU = 4
IFLA_MASTER = 10
IFLA_TXQLEN = 13
IFLA_LINKINFO = 18
IFLA_IFALIAS = 20
IFLA_AF_SPEC = 26
IFLA_GROUP = 27
_IFLA_EXT_MASK = 29
_IFLA_LINK_NETNSID = 37
_RTEXT_FILTER_SKIP_STATS = 8

IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2

# What wireguard-go makes: the kernel sees a tun device.
_TUN = "tun"

VXLAN_ID = 1
VXLAN_REMOTE = 2
VXLAN_LOCAL = 4
VXLAN_LEARNING = 7
VXLAN_PORT_RANGE = 10
VXLAN_PORT = 15
VXLAN_REMOTE6 = 16
VXLAN_LOCAL6 = 17

# IPv6's own part: an array of all switches of net.ipv6.conf.<name> (s32 each, numbered from 0 in linux/ipv6.h,
# DEVCONF_*).
_SPEC_INET6 = 10
_INET6_CONF = 2
_INET6_DISABLE_IPV6 = 26
# The same of IPv4 (linux/ip.h, IPV4_DEVCONF_*, which are numbered from 1).
_SPEC_INET = 2
_INET_CONF = 1
_INET_SRC_VMARK = 24 - 1

_PORT = Struct("!H")
_U32 = Struct("=I")

# Statistics are two thirds of a full answer.
DUMP = IFINFO.pack(0, 0, 0, 0, 0) + attr_u32(_IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)


class Seen(NamedTuple):
    """A link, half read. queue: transmit queue length in packets. info and spec: the payloads of IFLA_LINKINFO and
    IFLA_AF_SPEC, empty where missing. space: the kernel's number for the network namespace that its other end, or what
    it stands on, is in; None: this one, or there is none."""

    number: int
    name: str
    group: int
    alias: str
    mac: str
    mtu: int
    flags: int
    master: int
    queue: int
    info: bytes
    spec: bytes
    space: int | None = None

    def ours(self, claimed: Collection[str], services: Collection[str]) -> bool:
        """claimed: names of links that are ours without our mark. services: of those that a wireguard-go of ours runs
        for; started again by systemd, it makes its link anew, without the marks."""
        if self.group in (marks.LINK_GROUP, marks.WIREGUARD_GROUP) or self.alias.startswith(marks.ALIAS_PREFIX):
            return True
        return self.name in claimed or (self.name in services and info_of(self)[0] == _TUN)


def read(reply: Reply) -> Seen:
    _family, _type, number, flags, _change = IFINFO.unpack_from(reply.body)
    payload = reply.body[IFINFO.size :]
    found = attributes(payload)
    return Seen(
        number=number,
        name=text(payload, found[IFLA_IFNAME]),
        group=u32(payload, found[IFLA_GROUP]) if IFLA_GROUP in found else 0,
        alias=text(payload, found[IFLA_IFALIAS]) if IFLA_IFALIAS in found else "",
        mac=cut(payload, found[IFLA_ADDRESS]).hex(":") if IFLA_ADDRESS in found else "",
        mtu=u32(payload, found[IFLA_MTU]) if IFLA_MTU in found else 0,
        flags=flags,
        master=u32(payload, found[IFLA_MASTER]) if IFLA_MASTER in found else 0,
        queue=u32(payload, found[IFLA_TXQLEN]) if IFLA_TXQLEN in found else 0,
        info=cut(payload, found[IFLA_LINKINFO]) if IFLA_LINKINFO in found else b"",
        spec=cut(payload, found[IFLA_AF_SPEC]) if IFLA_AF_SPEC in found else b"",
        space=u32(payload, found[_IFLA_LINK_NETNSID]) if _IFLA_LINK_NETNSID in found else None,
    )


def link_of(
    seen: Seen, names: dict[int, str], remote: str | None, threads: int, gated: bool = False, far: str | None = None
) -> Link:
    """One of ours. names: of all links by index. remote: where a VXLAN sends. threads: of its wireguard-go, if it
    has one. gated: as gates.gated() says. far: as port_macs.far_ends()."""
    kind, data = info_of(seen)
    place = attributes(data)
    vxlan = kind == VXLAN
    wireguard = kind in (WIREGUARD, _TUN)
    return Link(
        name=seen.name,
        kind=WIREGUARD if wireguard else kind,
        alias=seen.alias if seen.alias.startswith(marks.ALIAS_PREFIX) else "",
        mac=seen.mac,
        mtu=seen.mtu,
        master=names.get(seen.master),
        vni=u32(data, place[VXLAN_ID]) if vxlan else None,
        port=_port(data, place) if vxlan else None,
        local=_local(data, place) if vxlan else None,
        remote=remote if vxlan else None,
        learning=vxlan and VXLAN_LEARNING in place and u8(data, place[VXLAN_LEARNING]) != 0,
        up=seen.flags & IFF_UP != 0,
        grouped=seen.group == marks.group_of(kind),
        ipv6=_ipv6(seen),
        userspace=kind == _TUN if wireguard else None,
        queue=seen.queue if wireguard else 0,
        threads=threads if kind == _TUN else 0,
        gated=gated,
        far=far,
        by_mark=wireguard and _switch(seen, _SPEC_INET, _INET_CONF, _INET_SRC_VMARK) not in (None, 0),
    )


def missing(name: str) -> Link:
    """The service of a link that has no link (it cannot start, or is about to be started again): of no kind, so that a
    plan that wants the link has it made anew, and any other has the service stopped."""
    return Link(name, kind="", alias="", mac="", up=False, grouped=False, userspace=True)


def foreign_of(seen: Seen) -> ForeignLink:
    kind, data = info_of(seen)
    if kind != VXLAN:
        return ForeignLink(seen.name, kind, mtu=seen.mtu)
    place = attributes(data)
    return ForeignLink(seen.name, kind, u32(data, place[VXLAN_ID]), _port(data, place), seen.mtu)


def info_of(seen: Seen) -> tuple[str, bytes]:
    """Kind ("" for a device that was not made by software), and of a VXLAN or a bridge its own attributes."""
    info = attributes(seen.info)
    kind = text(seen.info, info[IFLA_INFO_KIND]) if IFLA_INFO_KIND in info else ""
    if kind not in (BRIDGE, VXLAN):
        return kind, b""
    return kind, cut(seen.info, info[IFLA_INFO_DATA])


def _port(data: bytes, place: Attributes) -> int:
    value: int = _PORT.unpack_from(data, place[VXLAN_PORT][0])[0]
    return value


def _local(data: bytes, place: Attributes) -> str | None:
    span = place.get(VXLAN_LOCAL) or place.get(VXLAN_LOCAL6)
    return ip(data, span) if span else None


def _switch(seen: Seen, family: int, array: int, position: int) -> int | None:
    """One number out of a family's array of switches; None where the family does not use the link."""
    families = attributes(seen.spec)
    if family not in families:
        return None
    spec = cut(seen.spec, families[family])
    begin, end = attributes(spec).get(array, (0, 0))
    if begin + 4 * position + 4 > end:
        return None
    value: int = _U32.unpack_from(spec, begin + 4 * position)[0]
    return value


def _ipv6(seen: Seen) -> bool:
    # No answer: a kernel without IPv6, or an MTU below 1280, where IPv6 leaves the link by itself.
    return _switch(seen, _SPEC_INET6, _INET6_CONF, _INET6_DISABLE_IPV6) == 0
