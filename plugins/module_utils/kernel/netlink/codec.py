# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How rtnetlink messages are written and read (RFC 3549, linux/netlink.h, linux/rtnetlink.h).

A message is a body: one fixed structure and then attributes, each with a length, a type and a payload padded to
four bytes. The header in front of the body is the channel's business. Numbers are in host order unless they go on
the wire themselves (addresses, ports).
"""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from struct import Struct
from typing import NamedTuple

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30

# Flag bits above the type proper: nested, and network byte order.
_TYPE_MASK = 0x3FFF
_ATTR = Struct("=HH")
_U32 = Struct("=I")

# Where an attribute's payload lies in the buffer it came in: first byte, and the byte after the last.
Span = tuple[int, int]
Attributes = dict[int, Span]


class Request(NamedTuple):
    """One message to the kernel. subject: the object it is about, as an error names it.

    missing: error numbers that say that what should go away is not there; they are as good as success.
    """

    subject: str
    kind: int
    flags: int
    body: bytes
    missing: tuple[int, ...] = ()


class Reply(NamedTuple):
    """One message from the kernel: its body is buffer[start:end]."""

    kind: int
    buffer: bytes
    start: int
    end: int


def attr(kind: int, payload: bytes) -> bytes:
    length = len(payload)
    return _ATTR.pack(length + 4, kind) + payload + bytes(-length & 3)


def attr_u8(kind: int, value: int) -> bytes:
    return attr(kind, bytes((value,)))


def attr_u32(kind: int, value: int) -> bytes:
    return attr(kind, _U32.pack(value))


def attr_name(kind: int, text: str) -> bytes:
    return attr(kind, text.encode() + b"\0")


def attributes(buffer: bytes, start: int, end: int) -> Attributes:
    """Where each attribute's payload is; of several of one type, the last."""
    found: Attributes = {}
    unpack = _ATTR.unpack_from
    while start + 4 <= end:
        length, kind = unpack(buffer, start)
        if length < 4:
            break
        found[kind & _TYPE_MASK] = (start + 4, start + length)
        start += (length + 3) & ~3
    return found


def u8(buffer: bytes, span: Span) -> int:
    return buffer[span[0]]


def u32(buffer: bytes, span: Span) -> int:
    value: int = _U32.unpack_from(buffer, span[0])[0]
    return value


def text(buffer: bytes, span: Span) -> str:
    # An alias may hold any bytes; a foreign one that is not UTF-8 must not stop us.
    return buffer[span[0] : span[1]].rstrip(b"\0").decode("utf-8", "replace")


def ip(buffer: bytes, span: Span) -> str:
    raw = buffer[span[0] : span[1]]
    return inet_ntop(AF_INET if len(raw) == 4 else AF_INET6, raw)


def family_of(address: str) -> int:
    return AF_INET6 if ":" in address else AF_INET


def packed(address: str) -> bytes:
    return inet_pton(family_of(address), address)


def split(prefix: str) -> tuple[bytes, int]:
    """`10.1.0.254/16` as four (or sixteen) bytes and a length."""
    address, _slash, length = prefix.partition("/")
    return packed(address), int(length)
