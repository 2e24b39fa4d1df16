# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sets of addresses, as networks: exact, and in one spelling."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from ..intent.address import Network


def collapsed(texts: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in the fewest networks; IPv4 first, then in the order of addresses. A bare address is one of
    full length."""
    return _texts(ip_network(text) for text in texts)


def without(texts: Iterable[str], excluded: Iterable[str]) -> tuple[str, ...]:
    """Every address of `texts` that is in none of `excluded`, as collapsed() spells them."""
    left = [ip_network(text) for text in texts]
    for hole in (ip_network(text) for text in collapsed(excluded)):
        left = [part for network in left for part in _cut(network, hole)]
    return _texts(left)


def _cut(network: Any, hole: Any) -> Iterable[Network]:
    """What is left of one network without the other."""
    if network.version != hole.version or not network.overlaps(hole):
        return (network,)
    if hole.prefixlen <= network.prefixlen:
        return ()
    left: Iterable[Network] = network.address_exclude(hole)
    return left


def _texts(networks: Iterable[Network]) -> tuple[str, ...]:
    found = list(networks)
    four = collapse_addresses(network for network in found if isinstance(network, IPv4Network))
    six = collapse_addresses(network for network in found if isinstance(network, IPv6Network))
    return (*map(str, four), *map(str, six))
