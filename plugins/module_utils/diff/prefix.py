# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Overlap of prefixes, in both address families."""

from __future__ import annotations

from ipaddress import ip_interface, ip_network


def overlap(one: str, other: str) -> bool:
    """Whether two prefixes (host bits allowed) share an address; prefixes of different families never do."""
    if (":" in one) != (":" in other):
        return False
    left, right = ip_network(one, strict=False), ip_network(other, strict=False)
    return int(left[0]) <= int(right[-1]) and int(right[0]) <= int(left[-1])


def covers(outer: str, inner: str) -> bool:
    """Whether every address of `inner` is in `outer`."""
    left, right = ip_network(outer, strict=False), ip_network(inner, strict=False)
    if left.version != right.version:
        return False
    return int(left[0]) <= int(right[0]) and int(right[-1]) <= int(left[-1])


def length(prefix: str) -> int:
    """How many bits it fixes."""
    return ip_network(prefix, strict=False).prefixlen


def is_default(prefix: str) -> bool:
    """A default route, also one cut in two halves: it yields to anything, so it is in nobody's way."""
    return prefix in ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "::/1", "8000::/1")


def network(address: str) -> str:
    """The connected network of an interface address as the kernel writes it: 198.18.0.10/24 → 198.18.0.0/24."""
    return str(ip_interface(address).network)
