# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which source MAC addresses a bridge takes at a port (linux/if_link.h, bridge(8) `link` and `fdb`).

A port that does not learn moves nobody's forwarding entry; one that is `locked` (kernels from 5.18) takes only frames
from addresses that have an entry there. An entry that is static and sticky is moved by no other port's frames.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Mapping
from socket import AF_BRIDGE
from struct import Struct
from typing import NamedTuple

from ...model import marks
from ...model.link import BRIDGE
from .channel import Channel
from .codec import (
    NLM_F_CREATE,
    NLM_F_REPLACE,
    RTM_DELNEIGH,
    RTM_GETNEIGH,
    RTM_NEWNEIGH,
    RTM_SETLINK,
    Reply,
    Request,
    attr,
    attr_u8,
    attributes,
    cut,
    text,
    u8,
)
from .dumps import all_links
from .gates import VLAN
from .links import IFINFO, Seen

_IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA = 4, 5
_IFLA_PROTINFO = 12
_NESTED = 0x8000
_LEARNING, _LOCKED = 8, 39

# family, index of the link, state, flags, type
_NDMSG = Struct("=BxxxiHBB")
_NDA_LLADDR, _NDA_VLAN, _NDA_MASTER = 2, 5, 9
_NTF_MASTER, _NTF_STICKY = 0x04, 0x40
_NUD_NOARP, _NUD_PERMANENT = 0x40, 0x80
_U16 = Struct("=H")

_DUMP = _NDMSG.pack(AF_BRIDGE, 0, 0, 0, 0)
# A port may be on its way out.
_GONE = (errno.ENODEV, errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL)


class Entry(NamedTuple):
    """Where a bridge sends frames for an address. port: index of the link. vlan: 0: of none. firm: it does not age, and
    no other port's frames move it."""

    port: int
    mac: str
    vlan: int
    firm: bool


def is_strict(port: Seen) -> bool:
    """Whether a port neither learns nor, where the kernel can tell, takes frames from addresses without an entry."""
    found = attributes(port.info)
    if _IFLA_INFO_SLAVE_DATA not in found or text(port.info, found[_IFLA_INFO_SLAVE_KIND]) != BRIDGE:
        return False
    data = cut(port.info, found[_IFLA_INFO_SLAVE_DATA])
    place = attributes(data)
    return not u8(data, place[_LEARNING]) and (_LOCKED not in place or bool(u8(data, place[_LOCKED])))


def entries(channel: Channel) -> dict[int, list[Entry]]:
    """Those of all bridges, by the port's number, without the ports' own addresses."""
    found: dict[int, list[Entry]] = {}
    for entry in map(_read, channel.dump("forwarding entries", RTM_GETNEIGH, _DUMP)):
        if entry is not None:
            found.setdefault(entry.port, []).append(entry)
    return found


def far_ends(channel: Channel, ports: Iterable[Seen], opened: Collection[int]) -> dict[int, str]:
    """Of those that are strict: whom they take frames from, by number; words that are no address where that is not one
    that is kept for good. opened: the numbers of those that are open ports of gated bridges."""
    strict = [port.number for port in ports if port.master and is_strict(port)]
    seen = entries(channel) if strict else {}
    vlans = {number: VLAN if number in opened else 0 for number in strict}
    return {number: " and ".join(sorted(shown(seen.get(number, []), vlan))) for number, vlan in vlans.items()}


def keep(name: str, number: int, macs: Collection[str], seen: Collection[Entry]) -> list[Request]:
    """A port takes frames from these addresses alone. seen: its entries of now; others than these go.

    An entry is for every VLAN that the port is in by then, and for none.
    """
    subject = f"port {name}"
    strays = sorted({entry.mac for entry in seen} - set(macs))
    return [
        hold(name, number),
        *(_forget(subject, number, mac) for mac in strays),
        *(Request(subject, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, _body(number, mac), _GONE) for mac in macs),
    ]


def hold(name: str, number: int) -> Request:
    """A port learns nothing from now on, and takes frames only from those that it knows."""
    return _settle(f"port {name}", number, learning=False)


def release(names: Collection[str]) -> None:
    """Ports of others among these links are as the kernel makes them. Raises KernelError."""
    channel = Channel()
    try:
        ports = [link for link in all_links(channel) if link.name in names and link.group != marks.LINK_GROUP]
        strict = [port for port in ports if is_strict(port)]
        seen = entries(channel) if strict else {}
        for port in strict:
            channel.carry_out(let_go(port.name, port.number, seen.get(port.number, [])))
    finally:
        channel.close()


def let_go(name: str, number: int, seen: Collection[Entry]) -> list[Request]:
    """A port is as the kernel makes it. seen: its entries of now."""
    subject = f"port {name}"
    firm = sorted({entry.mac for entry in seen if entry.firm})
    return [*(_forget(subject, number, mac) for mac in firm), _settle(subject, number, learning=True)]


def shown(seen: Collection[Entry], vlan: int) -> frozenset[str]:
    """The addresses that have entries in a VLAN; those that are not firm with a word that no address has."""
    return frozenset(entry.mac if entry.firm else f"{entry.mac} (loose)" for entry in seen if entry.vlan == vlan)


def _read(reply: Reply) -> Entry | None:
    _family, port, state, flags, _type = _NDMSG.unpack_from(reply.body)
    payload = reply.body[_NDMSG.size :]
    found: Mapping[int, tuple[int, int]] = attributes(payload)
    if _NDA_MASTER not in found or _NDA_LLADDR not in found or state & _NUD_PERMANENT:
        return None
    vlan = _U16.unpack_from(payload, found[_NDA_VLAN][0])[0] if _NDA_VLAN in found else 0
    firm = bool(state & _NUD_NOARP and flags & _NTF_STICKY)
    return Entry(port, cut(payload, found[_NDA_LLADDR]).hex(":"), vlan, firm)


def _settle(subject: str, number: int, learning: bool) -> Request:
    what = attr_u8(_LEARNING, learning) + attr_u8(_LOCKED, not learning)
    body = IFINFO.pack(AF_BRIDGE, 0, number, 0, 0) + attr(_IFLA_PROTINFO | _NESTED, what)
    return Request(subject, RTM_SETLINK, 0, body, _GONE)


def _forget(subject: str, number: int, mac: str) -> Request:
    return Request(subject, RTM_DELNEIGH, 0, _body(number, mac), _GONE)


def _body(number: int, mac: str) -> bytes:
    head = _NDMSG.pack(AF_BRIDGE, number, _NUD_NOARP, _NTF_MASTER | _NTF_STICKY, 0)
    return head + attr(_NDA_LLADDR, bytes.fromhex(mac.replace(":", "")))
