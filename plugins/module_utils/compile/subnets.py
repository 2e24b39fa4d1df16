# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which part of a network belongs to whom. Of the overlay the N-th runner has the N-th subnet, number 0 is the hub's
own; of a VPN subnet the server has the first address, and the clients have the following ones."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import NamedTuple

from ..intent.server import Pair


class Subnet(NamedTuple):
    """All in text: network `10.1.0.0/16`, gateway `10.1.0.1` (the runner), hub_side `10.1.0.254`."""

    network: str
    gateway: str
    hub_side: str
    prefix: int


def hub_address(cidr: str) -> str:
    """The hub's own address in interface notation: 10.0.0.1/8 for 10.0.0.0/8."""
    network = IPv4Network(cidr)
    return f"{network[1]}/{network.prefixlen}"


def subnet_of(cidr: str, runner_prefix: int, runner_id: int) -> Subnet:
    """The runner's part. The hub's side is .254 of its first /24, or its last usable address where it is smaller."""
    size = 1 << (32 - runner_prefix)
    first = int(IPv4Network(cidr)[0]) + runner_id * size
    network = IPv4Network((first, runner_prefix))
    return Subnet(str(network), str(network[1]), str(network[min(size, 256) - 2]), runner_prefix)


def gateway_of(cidr: str) -> str:
    """The first address of a network on its own: 172.30.0.1 for 172.30.0.0/16."""
    return str(IPv4Network(cidr)[1])


def server_addresses(subnets: Pair) -> tuple[str, ...]:
    """The server's own, in interface notation and IPv4 first: 10.8.0.1/24 for 10.8.0.0/24."""
    networks = [ip_network(subnet) for subnet in subnets.both()]
    return tuple(f"{network[1]}/{network.prefixlen}" for network in networks)


def carrier_address(cidr: str, number: int) -> str:
    """Of runner `number` on the carrier, of the hub for 0: 172.16.254.1 in 172.16.254.0/23."""
    return str(IPv4Network(cidr)[number + 1])
