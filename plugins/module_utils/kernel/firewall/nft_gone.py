# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tables and chains that iptables' nft back end made for us, removed where nobody else uses them (nfnetlink).

iptables itself leaves its tables, and nft(8) removes one with all that is in it. The kernel alone can be asked to
remove it if it is empty, in one step: NLM_F_NONREC.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

from ...model.errors import KernelError
from .nft_names import IPV4, IPV6, base_chains

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10
_BATCH_BEGIN, _BATCH_END = 16, 17
_DELETE_TABLE, _DELETE_CHAIN = _SUBSYSTEM << 8 | 2, _SUBSYSTEM << 8 | 5
_TABLE_NAME, _CHAIN_TABLE, _CHAIN_NAME = 1, 1, 3
_REQUEST, _ACK, _NONREC = 0x1, 0x4, 0x100
_ERROR = 2
_HEADER = struct.Struct("=IHHII")
_FAMILIES = {"ip": IPV4, "ip6": IPV6}
_ACCEPT = 1
# It has something in it again, or is gone.
_LEFT = (0, errno.EBUSY, errno.ENOENT)


def remove_unused(name: str) -> None:
    """`ip raw PREROUTING`, a chain, or `ip raw`, a table. One that is in use, or refuses by its policy, stays and is no
    fault. Raises KernelError."""
    family, table, *chain = name.split(" ")
    number = _FAMILIES[family]
    if chain:
        if base_chains().get((number, table, chain[0])) == _ACCEPT:
            _delete(name, number, _DELETE_CHAIN, _text(_CHAIN_TABLE, table) + _text(_CHAIN_NAME, chain[0]))
    else:
        _delete(name, number, _DELETE_TABLE, _text(_TABLE_NAME, table))


def _delete(name: str, family: int, what: int, attributes: bytes) -> None:
    batch = struct.pack("=BBH", 0, 0, socket.htons(_SUBSYSTEM))
    message = b"".join(
        (
            _message(_BATCH_BEGIN, _REQUEST, 1, batch),
            _message(what, _REQUEST | _ACK | _NONREC, 2, struct.pack("=BBH", family, 0, 0) + attributes),
            _message(_BATCH_END, _REQUEST, 3, batch),
        )
    )
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as door:
            door.send(message)
            code = _answer(door)
    except OSError as error:
        raise KernelError(f"nftables {name}", os.strerror(error.errno or 0)) from error
    if code not in _LEFT:
        raise KernelError(f"nftables {name}", os.strerror(code))


def _answer(door: socket.socket) -> int:
    """The error number about the message itself; 0: it was carried out."""
    while True:
        data = door.recv(1 << 16)
        at = 0
        while at < len(data):
            length, kind, _flags, sequence, _port = _HEADER.unpack_from(data, at)
            if kind == _ERROR and sequence in (1, 2):
                code: int = -struct.unpack_from("=i", data, at + _HEADER.size)[0]
                return code
            at += (length + 3) & ~3


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, sequence, 0) + body


def _text(kind: int, value: str) -> bytes:
    data = value.encode() + b"\0"
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
