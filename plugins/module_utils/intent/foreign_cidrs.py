# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies that name a part of another network by its addresses, and probably mean its peers. Nothing here refuses a
file: other networks may have the same addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from .address import Network as Prefix
from .address import overlap
from .namespace import Namespace
from .neighbourhood import neighbourhood
from .network import Network
from .policy import Policy
from .schema import Check, Where

Found = Iterator[tuple[Where, str]]


class _Holders:
    """Networks by what they hold, found by prefix length: there may be many."""

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self._held: dict[Prefix, str] = {}
        for name, network in networks.items():
            for cidr in network.cidrs:
                self._held.setdefault(ipaddress.ip_network(cidr), name)
        self._lengths = sorted({(prefix.version, prefix.prefixlen) for prefix in self._held})

    def of(self, cidr: str) -> str | None:
        """The first network, by name, of those with the shortest prefix around ``cidr``; None: there is none."""
        prefix = ipaddress.ip_network(cidr)
        for version, length in self._lengths:
            if version == prefix.version and length <= prefix.prefixlen:
                holder = self._held.get(prefix.supernet(new_prefix=length))
                if holder is not None:
                    return holder
        return None


def _addresses_are_of_ones_own(
    policies: Mapping[str, Policy], networks: Mapping[str, Network], namespaces: Mapping[str, Namespace]
) -> Found:
    there, holders = neighbourhood(networks, namespaces, {}), _Holders(networks)
    for name, policy in policies.items():
        home = there.network(policy)
        for place, others in policy.others() if home is not None else ():
            far = holders.of(others.cidr) if others.cidr is not None else None
            if home is None or others.cidr is None or far is None:
                continue
            own = (cidr for network in there.reached[home] for cidr in networks[network].cidrs)
            if not any(overlap(others.cidr, cidr) for cidr in own):
                message = (
                    f"{others.cidr} is inside of {far}, which {home} is not peered with: none of its peers is meant; "
                    "let them name each other in peered, or delete it"
                )
                yield ("policies", name, *place, "cidr"), message


CHECKS = (Check(("policies", "networks", "namespaces"), _addresses_are_of_ones_own, note=True),)
