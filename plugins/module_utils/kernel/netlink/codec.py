# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How rtnetlink messages are written and read (RFC 3549, linux/netlink.h, linux/rtnetlink.h).

A message is a body: one fixed structure and then attributes, each with a length, a type and a payload padded to
four bytes. The header in front of the body is the channel's business. Numbers are in host order unless they go on
the wire themselves (addresses, ports).
"""

from __future__ import annotations

from collections.abc import Iterator
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from struct import Struct
from typing import NamedTuple

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTM_GETNSID = 90

# Flag bits above the type proper: nested, and network byte order.
_TYPE_MASK = 0x3FFF
_ATTR = Struct("=HH")
_U32 = Struct("=I")

# Where an attribute's payload lies in what was parsed: first byte, and the byte after the last.
Span = tuple[int, int]
Attributes = dict[int, Span]


class Request(NamedTuple):
    """One message to the kernel. subject: the object it is about, as an error names it.

    missing: error numbers that say that what should go away is not there, or that what should be there is; they are as
    good as success.
    """

    subject: str
    kind: int
    flags: int
    body: bytes
    missing: tuple[int, ...] = ()


class Reply(NamedTuple):
    """One message from the kernel. flags and sequence: of its header."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def attr(kind: int, payload: bytes) -> bytes:
    length = len(payload)
    return _ATTR.pack(length + 4, kind) + payload + bytes(-length & 3)


def attr_u8(kind: int, value: int) -> bytes:
    return attr(kind, bytes((value,)))


def attr_u32(kind: int, value: int) -> bytes:
    return attr(kind, _U32.pack(value))


def attr_name(kind: int, text: str) -> bytes:
    return attr(kind, text.encode() + b"\0")


class _Layout(NamedTuple):
    """Where the headers of all attributes of one message were, what they said, and what follows from that."""

    headers: Struct
    values: tuple[int, ...]
    found: Attributes


# By length of the message. The messages of a dump are alike, so reading all headers where they were the last time
# and comparing them takes one call instead of a step for each of some fifty attributes.
_LAYOUTS: dict[int, _Layout] = {}


def attributes(payload: bytes) -> Attributes:
    """Where each attribute's payload is; of several of one type, the last. The answer is not to be changed."""
    layout = _LAYOUTS.get(len(payload))
    if layout is None or layout.headers.unpack(payload) != layout.values:
        layout = _LAYOUTS[len(payload)] = _layout(payload)
    return layout.found


def _layout(payload: bytes) -> _Layout:
    found: Attributes = {}
    values: list[int] = []
    pattern = "="
    start, end = 0, len(payload)
    while start + 4 <= end:
        length, kind = _ATTR.unpack_from(payload, start)
        values += (length, kind)
        following = min(start + ((length + 3) & ~3), end)
        if length < 4 or start + length > end:
            pattern += f"HH{end - start - 4}x"  # damaged: nothing after this can be told apart
            start = end
            break
        pattern += f"HH{following - start - 4}x"
        found[kind & _TYPE_MASK] = (start + 4, start + length)
        start = following
    return _Layout(Struct(pattern + f"{end - start}x"), tuple(values), found)


def each(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of every attribute, also where there are several of one type."""
    start, end = 0, len(payload)
    while start + 4 <= end:
        length, kind = _ATTR.unpack_from(payload, start)
        if length < 4 or start + length > end:
            return  # damaged: nothing after this can be told apart
        yield kind & _TYPE_MASK, payload[start + 4 : start + length]
        start += (length + 3) & ~3


def cut(payload: bytes, span: Span) -> bytes:
    return payload[span[0] : span[1]]


def u8(payload: bytes, span: Span) -> int:
    return payload[span[0]]


def u32(payload: bytes, span: Span) -> int:
    value: int = _U32.unpack_from(payload, span[0])[0]
    return value


def text(payload: bytes, span: Span) -> str:
    # An alias may hold any bytes; a foreign one that is not UTF-8 must not stop us.
    return payload[span[0] : span[1]].rstrip(b"\0").decode("utf-8", "replace")


def ip(payload: bytes, span: Span) -> str:
    raw = payload[span[0] : span[1]]
    return inet_ntop(AF_INET if len(raw) == 4 else AF_INET6, raw)


def family_of(address: str) -> int:
    return AF_INET6 if ":" in address else AF_INET


def packed(address: str) -> bytes:
    return inet_pton(family_of(address), address)


def split(prefix: str) -> tuple[bytes, int]:
    """`10.1.0.254/16` as four (or sixteen) bytes and a length."""
    address, _slash, length = prefix.partition("/")
    return packed(address), int(length)
