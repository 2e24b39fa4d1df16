# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names of all nftables tables and chains, asked of the kernel itself (nfnetlink, linux/netfilter/nf_tables.h).

iptables' nft back end keeps its chains there too. So one question without a process (0.1 ms) tells which of the
tools have anything of ours to print.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ...model.errors import KernelError

INET, IPV4, IPV6 = 1, 2, 10
_WORDS = {IPV4: "ip", IPV6: "ip6"}

_NETLINK_NETFILTER = 12
_GET_TABLE, _GET_CHAIN = 10 << 8 | 1, 10 << 8 | 4
_REQUEST_DUMP = 0x1 | 0x300
_ERROR, _DONE = 2, 3
_TABLE_NAME, _CHAIN_TABLE, _CHAIN_NAME, _CHAIN_POLICY = 1, 1, 3, 5
_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 1 << 16
_Value = TypeVar("_Value")


class Names(NamedTuple):
    """tables: (family, table). chains: (family, table, chain). Families are INET, IPV4, IPV6 or others."""

    tables: frozenset[tuple[int, str]]
    chains: frozenset[tuple[int, str, str]]

    def of_iptables(self) -> frozenset[str]:
        """As nft(8) writes them: `ip raw`, `ip raw PREROUTING`."""
        tables = (f"{_WORDS[family]} {table}" for family, table in self.tables if family in _WORDS)
        chains = (f"{_WORDS[family]} {table} {chain}" for family, table, chain in self.chains if family in _WORDS)
        return frozenset((*tables, *chains))


def base_chains() -> dict[tuple[int, str, str], int]:
    """(family, table, chain) -> policy, 1: accept; of the chains that have one."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as door:
            found = _dump(door, _GET_CHAIN, _raw)
    except OSError as error:
        raise KernelError("nftables", str(error)) from error
    return {
        (family, _word(chain[_CHAIN_TABLE]), _word(chain[_CHAIN_NAME])): int.from_bytes(chain[_CHAIN_POLICY], "big")
        for family, chain in found
        if _CHAIN_POLICY in chain
    }


def names() -> Names:
    """Everything there is in this network namespace; nothing where the kernel has no nftables."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as door:
            tables = _dump(door, _GET_TABLE, _strings)
            chains = _dump(door, _GET_CHAIN, _strings)
    except OSError as error:
        raise KernelError("nftables", str(error)) from error
    return Names(
        frozenset((family, found.get(_TABLE_NAME, "")) for family, found in tables),
        frozenset((family, found.get(_CHAIN_TABLE, ""), found.get(_CHAIN_NAME, "")) for family, found in chains),
    )


def _strings(data: bytes) -> dict[int, str]:
    """Only those that are names are looked at, so all are decoded as text."""
    return {kind: _word(value) for kind, value in _raw(data).items()}


def _word(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _dump(
    door: socket.socket, what: int, read: Callable[[bytes], dict[int, _Value]]
) -> list[tuple[int, dict[int, _Value]]]:
    door.send(_HEADER.pack(_HEADER.size + _FAMILY.size, what, _REQUEST_DUMP, 1, 0) + _FAMILY.pack(0, 0, 0))
    found: list[tuple[int, dict[int, _Value]]] = []
    while True:
        data = door.recv(_BUFFER)
        at = 0
        while at < len(data):
            length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, at)
            if kind == _DONE:
                return found
            if kind == _ERROR:
                _refused(struct.unpack_from("=i", data, at + _HEADER.size)[0])
                return found
            body = data[at + _HEADER.size : at + length]
            found.append((_FAMILY.unpack_from(body)[0], read(body[_FAMILY.size :])))
            at += (length + 3) & ~3


def _refused(code: int) -> None:
    """EINVAL and EOPNOTSUPP are a kernel's word for having no nftables; anything else is an error."""
    number = -code
    if number not in (0, errno.EINVAL, errno.EOPNOTSUPP):
        raise OSError(number, os.strerror(number))


def _raw(data: bytes) -> dict[int, bytes]:
    """Attributes by number."""
    values: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        values[kind & 0x3FFF] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return values
