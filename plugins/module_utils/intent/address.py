# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Addresses and networks, in one notation each.

Python's ipaddress reads masks (``/255.0.0.0``), scopes (``%eth0``) and numbers too; here only what every reader takes
for the same address is an address.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Union

from .node import shown
from .scalar import MisfitError, Single

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# RFC 6890 and its registry: ranges that no host has an address of which others could reach.
UNUSABLE = (
    ("0.0.0.0/8", 'which is reserved for "this network"'),
    ("127.0.0.0/8", "which is the loopback range"),
    ("169.254.0.0/16", "which is the link-local range"),
    ("224.0.0.0/4", "which is the multicast range"),
    ("240.0.0.0/4", "which is reserved"),
    ("::/127", "which is reserved for the unspecified address and loopback"),
    ("::ffff:0:0/96", "which is for IPv4 addresses in IPv6 sockets"),
    ("fe80::/10", "which is the link-local range"),
    ("ff00::/8", "which is the multicast range"),
)

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
V4_PATTERN = rf"({_OCTET}\.){{3}}{_OCTET}"
V6_PATTERN = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
_V4_PREFIX_PATTERN = "/(3[0-2]|[12]?[0-9])"
_V6_PREFIX_PATTERN = "/(12[0-8]|1[01][0-9]|[1-9]?[0-9])"


def _parsed(text: str) -> _Address:
    if ":" in text:
        try:
            if "%" in text:
                raise ValueError
            return ipaddress.IPv6Address(text)
        except ValueError:
            raise MisfitError(f"{shown(text)} is not an IPv6 address") from None
    parts = text.split(".")
    for part in parts:
        if re.fullmatch("0[0-9]+", part):
            plain = part.lstrip("0") or "0"
            raise MisfitError(
                f"{shown(text)} has a leading zero, which means octal to some; write {plain} for {shown(part)}"
            )
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise MisfitError(f"{shown(text)} is not an IP address") from None


def _refuse_family(address: _Address, text: str, family: int) -> None:
    if family and address.version != family:
        raise MisfitError(f"{shown(text)} is IPv{address.version}; IPv{family} is wanted here")


def _pattern(family: int, four: str, six: str) -> str:
    return {4: f"^{four}$", 6: f"^{six}$", 0: f"^({four}|{six})$"}[family]


@dataclass(frozen=True)
class Address(Single[str]):
    """One address, in its canonical text (RFC 5952).

    family: 4, 6, or 0 for either. unusable: (network, what it is) pairs that it must not lie in.
    """

    family: int = 0
    unusable: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:  # type: ignore[override]  # derived from the family here
        return f"an IPv{self.family} address" if self.family else "an IP address"

    def parse(self, text: str) -> str:
        address = _parsed(text)
        _refuse_family(address, text, self.family)
        for taken, what in self.unusable:
            if overlap(str(address), taken):
                raise MisfitError(f"{address} is in {taken}, {what}; give an address that others can reach")
        return str(address)

    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": _pattern(self.family, V4_PATTERN, V6_PATTERN)}


@dataclass(frozen=True)
class Cidr(Single[str]):
    """One network with its prefix length and no host bits, in its canonical text.

    family: 4, 6, or 0 for either. unusable: (network, what it is) pairs that it must not touch.
    longest: the longest prefix, with the reason in ``why``; None: any.
    """

    family: int = 0
    unusable: tuple[tuple[str, str], ...] = ()
    longest: int | None = None
    why: str = ""

    @property
    def words(self) -> str:  # type: ignore[override]  # derived from the family here
        return f"an IPv{self.family} network" if self.family else "an IP network"

    def parse(self, text: str) -> str:
        network = self._network(text)
        for taken, what in self.unusable:
            if overlap(str(network), taken):
                raise MisfitError(f"{network} touches {taken}, {what}; choose another network")
        if self.longest is not None and network.prefixlen > self.longest:
            raise MisfitError(f"{network} is too small: at most /{self.longest}, {self.why}")
        return str(network)

    def _network(self, text: str) -> Network:
        base, slash, prefix = text.partition("/")
        if not slash:
            raise MisfitError(f"{shown(text)} has no prefix length; write it like {self._example()}")
        address = _parsed(base)
        _refuse_family(address, text, self.family)
        if not _PREFIX.fullmatch(prefix) or int(prefix) > address.max_prefixlen:
            notation = "a mask, not a prefix length" if "." in prefix else "not a prefix length"
            raise MisfitError(
                f"{shown(text)}: /{shown(prefix)} is {notation} (0–{address.max_prefixlen}); "
                f"write it like {self._example()}"
            )
        network: Network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
        if network.network_address != address:
            raise MisfitError(f"{shown(text)} has host bits set; did you mean {network}?")
        return network

    def _example(self) -> str:
        return "2001:db8::/64" if self.family == 6 else "10.0.0.0/8"

    def schema(self) -> dict[str, object]:
        four = V4_PATTERN + _V4_PREFIX_PATTERN
        six = V6_PATTERN + _V6_PREFIX_PATTERN
        return {"type": "string", "pattern": _pattern(self.family, four, six)}


def overlap(one: str, other: str) -> bool:
    """Whether two networks, both as text, share an address. Networks of different families never do."""
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.overlaps(second)


def subnet_count(cidr: str, prefix: int) -> int:
    """How many networks of a prefix length are in ``cidr``; 0: it is no larger than one of them."""
    bits = prefix - int(cidr.rpartition("/")[2])
    return 2**bits if bits > 0 else 0
