# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where VXLANs send what: their forwarding entries (linux/neighbour.h, bridge(8) `fdb`).

A VXLAN of ours has one entry, that of the zero MAC, which is the default destination. The kernel makes it out of the
link's remote, but anybody can delete it or add others while the link still shows its remote.
"""

from __future__ import annotations

import errno
from struct import Struct
from typing import NamedTuple

from .codec import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    RTM_DELNEIGH,
    RTM_NEWNEIGH,
    Reply,
    Request,
    attr,
    attributes,
    cut,
    ip,
    packed,
)

# family, index of the link, state, flags, type
_NDMSG = Struct("=BxxxiHBB")
_AF_BRIDGE = 7

_NDA_DST = 1
_NDA_LLADDR = 2
_NDA_PORT = 6
_NDA_VNI = 7
_NTF_SELF = 0x02
_NUD_NOARP_PERMANENT = 0xC0
_ZERO_MAC = bytes(6)

DUMP = _NDMSG.pack(_AF_BRIDGE, 0, 0, 0, 0)


class Entry(NamedTuple):
    """device: index of the VXLAN. detour: attributes that send to another port or VNI, as read."""

    device: int
    mac: bytes
    remote: str
    detour: bytes = b""


def read(reply: Reply) -> Entry | None:
    """None for an entry of a bridge."""
    _family, device, _state, _flags, _type = _NDMSG.unpack_from(reply.body)
    payload = reply.body[_NDMSG.size :]
    found = attributes(payload)
    if _NDA_DST not in found or _NDA_LLADDR not in found:
        return None
    detour = b"".join(attr(kind, cut(payload, found[kind])) for kind in (_NDA_PORT, _NDA_VNI) if kind in found)
    return Entry(device, cut(payload, found[_NDA_LLADDR]), ip(payload, found[_NDA_DST]), detour)


def default(device: int, remote: str) -> Entry:
    """The one entry that a VXLAN of ours is to have."""
    return Entry(device, _ZERO_MAC, remote)


def remote_of(entries: list[Entry]) -> str | None:
    """The remote of a link with these entries, None for none.

    Where they are not the one default that they should be, words that no plan ever has, with a blank in them.
    """
    words = sorted(_word(entry) for entry in entries)
    return " and ".join(words) if words else None


def _word(entry: Entry) -> str:
    if entry == default(entry.device, entry.remote):
        return entry.remote
    return f"{entry.mac.hex(':')} to {entry.remote}"


def repair(subject: str, device: int, entries: list[Entry], remote: str | None) -> list[Request]:
    """Leave a link with the one entry that it should have; without a remote it should have none."""
    if remote and " " in remote:
        return []  # undoing: what was tampered with is not restored
    wanted = [default(device, remote)] if remote else []
    found = [
        Request(subject, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND, _body(entry))
        for entry in wanted
        if entry not in entries
    ]
    found += [
        Request(subject, RTM_DELNEIGH, 0, _body(entry), (errno.ENOENT,)) for entry in entries if entry not in wanted
    ]
    return found


def _body(entry: Entry) -> bytes:
    head = _NDMSG.pack(_AF_BRIDGE, entry.device, _NUD_NOARP_PERMANENT, _NTF_SELF, 0)
    return head + attr(_NDA_DST, packed(entry.remote)) + attr(_NDA_LLADDR, entry.mac) + entry.detour
