# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the back ends share: the comment that marks a rule; names, numbers and addresses as rules want them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import NamedTuple
from zlib import crc32

from ...model.access import Access
from ...model.firewall import Firewall
from ...model.marks import RULE_COMMENT


class Family(NamedTuple):
    """overhead: bytes of the IP and TCP headers, without options."""

    ipv6: bool
    overhead: int


IPV4, IPV6 = Family(False, 40), Family(True, 60)

# RFC 4193: addresses that nobody routes, so that they need NAT where IPv4 does.
_UNIQUE_LOCAL = IPv6Network("fc00::/7")


def comment(words: str, place: str, text: str) -> str:
    """The comment of one rule: ``weft <words> #<8 hex digits>``, the digits from where the rule is and what it says.

    A tool prints a rule in its own spelling, and its comment verbatim: so comments tell whether all is in place.
    A checksum is enough for that, and hashlib would take 3 ms to import. nft takes at most 128 bytes of comment,
    iptables 255.
    """
    return f"{RULE_COMMENT}{words} #{_digest(f'{place} {text}')}"


def _digest(text: str) -> str:
    return format(crc32(text.encode()), "08x")


def label(name: str) -> str:
    """An interface's name as a part of an nft name, where dots and dashes cannot stand; no two names have one label."""
    if name.isalnum():
        return name
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)
    return f"{plain}_{_digest(name)}"


Tunnels = tuple[tuple[int, str], ...]


def by_family(firewall: Firewall) -> tuple[Tunnels, Tunnels]:
    """(VNI, remote) of the tunnels over IPv4 and of those over IPv6, each in the order of VNIs."""
    pairs = sorted(zip(firewall.vnis, firewall.remotes))
    return tuple(pair for pair in pairs if ":" not in pair[1]), tuple(pair for pair in pairs if ":" in pair[1])


def ranges(numbers: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(1, 2, 3, 7) -> ((1, 3), (7, 7))."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def of_family(texts: Iterable[str], family: Family) -> tuple[str, ...]:
    """Addresses or prefixes of one family, sorted."""
    return tuple(sorted(text for text in texts if (":" in text) == family.ipv6))


def networks(texts: Iterable[str], family: Family) -> tuple[str, ...]:
    """Those of one family in the fewest prefixes: nft takes none into a set that overlaps another."""
    mine = of_family(texts, family)
    if family.ipv6:
        return tuple(map(str, collapse_addresses(map(IPv6Network, mine))))
    return tuple(map(str, collapse_addresses(map(IPv4Network, mine))))


def open_ports(firewall: Firewall | None, accesses: Iterable[Access]) -> tuple[int, ...]:
    """UDP ports of WireGuard that everybody may send to."""
    carrier = firewall.carrier_port if firewall else None
    return tuple(sorted({access.port for access in accesses} | ({carrier} if carrier is not None else set())))


def needs_nat(subnet: str) -> bool:
    """Whether nobody out there routes to these addresses: every IPv4 one, of IPv6 the unique local ones."""
    return ":" not in subnet or IPv6Network(subnet).subnet_of(_UNIQUE_LOCAL)
