# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Addresses as rtnetlink knows them (linux/if_addr.h)."""

from __future__ import annotations

import errno
from socket import AF_INET, AF_INET6
from struct import Struct
from typing import NamedTuple

from ...model.address import Address
from ...model.state import ADDRESS
from .codec import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_DELADDR,
    RTM_NEWADDR,
    Reply,
    Request,
    attr,
    attr_u32,
    attributes,
    ip,
    split,
    u32,
)

# family, prefix length, flags, scope, index of the link
_IFADDR = Struct("=BBBBI")

_IFA_ADDRESS = 1
_IFA_LOCAL = 2
_IFA_FLAGS = 8
_IFA_F_NODAD = 0x02
_IFA_F_NOPREFIXROUTE = 0x200
_SCOPE_LINK = 253

DUMP = _IFADDR.pack(0, 0, 0, 0, 0)


class Seen(NamedTuple):
    """device: index of the link. address: `10.1.0.254/16`."""

    device: int
    address: str
    prefix_route: bool


def read(reply: Reply) -> Seen | None:
    """None for an address that plays no part here: one of another family, or link-local."""
    family, length, flags, scope, index = _IFADDR.unpack_from(reply.body)
    payload = reply.body[_IFADDR.size :]
    found = attributes(payload)
    # With a peer, IFA_ADDRESS is the peer's; IPv6 has IFA_LOCAL only then.
    span = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
    if family not in (AF_INET, AF_INET6) or scope == _SCOPE_LINK or span is None:
        return None
    if _IFA_FLAGS in found:
        flags = u32(payload, found[_IFA_FLAGS])
    return Seen(index, f"{ip(payload, span)}/{length}", not flags & _IFA_F_NOPREFIXROUTE)


def add(address: Address, index: int) -> Request:
    return Request(_subject(address), RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, _body(address, index))


def remove(address: Address, index: int) -> Request:
    return Request(_subject(address), RTM_DELADDR, 0, _body(address, index), (errno.EADDRNOTAVAIL, errno.ENODEV))


def _subject(address: Address) -> str:
    return f"{ADDRESS} {address.key()}"


def _body(address: Address, index: int) -> bytes:
    raw, length = split(address.address)
    family = AF_INET if len(raw) == 4 else AF_INET6
    flags = 0 if address.prefix_route else _IFA_F_NOPREFIXROUTE
    if family == AF_INET6:
        flags |= _IFA_F_NODAD  # usable at once; nobody else is on these links
    body = _IFADDR.pack(family, length, 0, 0, index) + attr(_IFA_LOCAL, raw) + attr(_IFA_ADDRESS, raw)
    return body + attr_u32(_IFA_FLAGS, flags)
