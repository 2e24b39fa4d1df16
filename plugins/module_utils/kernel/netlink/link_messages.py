# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Messages that make, change and remove links."""

from __future__ import annotations

import errno
from struct import Struct

from ...model import marks
from ...model.link import BRIDGE, VXLAN, Link
from ...model.state import LINK
from . import gates, links
from .codec import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELLINK,
    RTM_NEWLINK,
    RTM_SETLINK,
    Request,
    attr,
    attr_name,
    attr_u8,
    attr_u32,
    packed,
)
from .links import IFF_UP, IFINFO

_IFLA_BR_STP_STATE = 5
_PORT = Struct("!H")
_LAST_PORT = 0xFFFF
_NOTHING = IFINFO.pack(0, 0, 0, 0, 0)


def create(link: Link) -> Request:
    """The link with its group, down and without what the kernel ignores at creation (the alias)."""
    body = [
        _NOTHING,
        attr_name(links.IFLA_IFNAME, link.name),
        attr_u32(links.IFLA_GROUP, _group(link)),
    ]
    if link.mac:
        body.append(attr(links.IFLA_ADDRESS, _mac(link)))
    if link.queue:
        body.append(attr_u32(links.IFLA_TXQLEN, link.queue))
    # A bridge whose MTU was given at its creation still follows the smallest of its ports.
    if link.mtu and link.kind != BRIDGE:
        body.append(attr_u32(links.IFLA_MTU, link.mtu))
    data = b""
    if link.kind == VXLAN:
        data = _vxlan(link)
    elif link.kind == BRIDGE:
        data = attr_u32(_IFLA_BR_STP_STATE, 0) + (gates.settings() if link.gated else b"")
    body.append(_info(link.kind, data))
    return Request(subject(link), RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, b"".join(body))


def settle(link: Link, master: int) -> Request:
    """What follows the creation, also that by wireguard-go. master: index of the bridge, 0 for none."""
    body = [
        IFINFO.pack(0, 0, 0, IFF_UP if link.up else 0, IFF_UP),
        attr_name(links.IFLA_IFNAME, link.name),
        attr(links.IFLA_IFALIAS, link.alias.encode()),
    ]
    if link.mtu and (link.kind == BRIDGE or link.userspace):
        body.append(attr_u32(links.IFLA_MTU, link.mtu))
    if link.userspace:
        # wireguard-go made it, and knows nothing of these.
        body.append(attr_u32(links.IFLA_GROUP, _group(link)))
        if link.queue:
            body.append(attr_u32(links.IFLA_TXQLEN, link.queue))
    if master:
        body.append(attr_u32(links.IFLA_MASTER, master))
    return Request(subject(link), RTM_SETLINK, 0, b"".join(body))


def change(before: Link, after: Link) -> list[Request]:
    """Everything that changes in place, but for the master and up, which come last."""
    head = _NOTHING + attr_name(links.IFLA_IFNAME, after.name)
    body = b""
    if after.mac != before.mac:
        body += attr(links.IFLA_ADDRESS, _mac(after))
    if after.mtu not in (0, before.mtu):
        body += attr_u32(links.IFLA_MTU, after.mtu)
    if after.queue not in (0, before.queue):
        body += attr_u32(links.IFLA_TXQLEN, after.queue)
    if after.alias != before.alias:
        body += attr(links.IFLA_IFALIAS, after.alias.encode())
    if after.grouped != before.grouped:
        body += attr_u32(links.IFLA_GROUP, _group(after))
    found = [Request(subject(after), RTM_SETLINK, 0, head + body)] if body else []
    if after.kind == VXLAN and (after.local, after.remote) != (before.local, before.remote):
        # A message of its own: the driver refuses a change that comes together with an MTU.
        found.append(Request(subject(after), RTM_NEWLINK, 0, head + _info(VXLAN, _ends(before, after))))
    return found


def raise_up(before: Link, after: Link, master: int) -> Request | None:
    """The master and up, where they change."""
    same_master = after.master == before.master
    if same_master and after.up == before.up:
        return None
    body = IFINFO.pack(0, 0, 0, IFF_UP if after.up else 0, IFF_UP) + attr_name(links.IFLA_IFNAME, after.name)
    if not same_master:
        body += attr_u32(links.IFLA_MASTER, master)
    return Request(subject(after), RTM_SETLINK, 0, body)


def regroup(name: str, group: int) -> Request:
    body = _NOTHING + attr_name(links.IFLA_IFNAME, name) + attr_u32(links.IFLA_GROUP, group)
    return Request(f"{LINK} {name}", RTM_SETLINK, 0, body, (errno.ENODEV,))


def remove(name: str) -> Request:
    body = _NOTHING + attr_name(links.IFLA_IFNAME, name)
    return Request(f"{LINK} {name}", RTM_DELLINK, 0, body, (errno.ENODEV,))


def remove_group(group: int, names: str) -> Request:
    """Remove all links of a group at once: one wait for the kernel's readers instead of one for each link."""
    return Request(f"{LINK} {names}", RTM_DELLINK, 0, _NOTHING + attr_u32(links.IFLA_GROUP, group))


def ask_for(kind: str) -> Request:
    """A link that every kind refuses, for an MTU and a name that no link can have: with another error where the kind
    is unknown. Only the name was always looked at; the MTU is looked at earlier, when nothing is made yet."""
    body = _NOTHING + attr_name(links.IFLA_IFNAME, ".") + attr_u32(links.IFLA_MTU, 0xFFFFFFFF) + _info(kind, b"")
    return Request(f"links of kind {kind}", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)


def subject(link: Link) -> str:
    return f"{LINK} {link.name}"


def _group(link: Link) -> int:
    return marks.group_of(link.kind) if link.grouped else 0


def _mac(link: Link) -> bytes:
    return bytes.fromhex(link.mac.replace(":", ""))


def _info(kind: str, data: bytes) -> bytes:
    return attr(
        links.IFLA_LINKINFO,
        attr_name(links.IFLA_INFO_KIND, kind) + (attr(links.IFLA_INFO_DATA, data) if data else b""),
    )


def _vxlan(link: Link) -> bytes:
    data = [attr_u32(links.VXLAN_ID, link.vni or 0), attr_u8(links.VXLAN_LEARNING, link.learning)]
    if link.port is not None:
        data.append(attr(links.VXLAN_PORT, _PORT.pack(link.port)))
        if link.port < _LAST_PORT:
            # Sent from that port too: both directions are one connection then, and a firewall that lets pass what is
            # established (firewalld while it reloads) lets pass the tunnel. A range ends before its second number.
            data.append(attr(links.VXLAN_PORT_RANGE, _PORT.pack(link.port) + _PORT.pack(link.port + 1)))
    return b"".join(data) + _end(link.local, True) + _end(link.remote, False)


def _ends(before: Link, after: Link) -> bytes:
    """Only what changes: the kernel refuses attributes that cannot change, even with their old value."""
    data = b""
    if after.local != before.local:
        data += _end(after.local or _any_like(before.local), True)
    if after.remote != before.remote:
        data += _end(after.remote or _any_like(before.remote), False)
    return data


def _any_like(address: str | None) -> str:
    return "::" if address and ":" in address else "0.0.0.0"  # noqa: S104  # an end without address, not a socket


def _end(address: str | None, local: bool) -> bytes:
    if address is None or " " in address:  # the latter: several, as found on a link that was tampered with
        return b""
    four, six = (links.VXLAN_LOCAL, links.VXLAN_LOCAL6) if local else (links.VXLAN_REMOTE, links.VXLAN_REMOTE6)
    raw = packed(address)
    return attr(four if len(raw) == 4 else six, raw)
