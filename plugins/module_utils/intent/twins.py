# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Interfaces whose networks overlap: twins. Where all clients of each are peers of one network, and these networks
differ, an interface says whose a packet is, though its address does not."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from .address import Network
from .client import Client
from .interface import Interface
from .namespace import Namespace
from .peer import Peer


class Tunnel(NamedTuple):
    """One network of one interface."""

    link: str
    network: Network
    where: tuple[str, ...]


def tunnels(names: Iterable[str], values: Mapping[str, Interface]) -> list[Tunnel]:
    """Of the interfaces of these names, in that order."""
    return [
        Tunnel(name, ipaddress.ip_network(text), ("interfaces", name, "subnets", family))
        for name in names
        if name in values
        for family, text in values[name].subnets._asdict().items()
        if text is not None
    ]


def overlapping(found: Iterable[Tunnel]) -> Iterator[tuple[Tunnel, list[Tunnel]]]:
    """Each tunnel with those before it, in the order of addresses, that hold all of it: the widest first."""
    around: list[Tunnel] = []
    for tunnel in sorted(found, key=_start):
        network = tunnel.network
        around = [
            one for one in around if one.network.version == network.version and int(network[0]) <= int(one.network[-1])
        ]
        yield tunnel, list(around)
        around.append(tunnel)


def _start(tunnel: Tunnel) -> tuple[int, int, int]:
    return tunnel.network.version, int(tunnel.network[0]), tunnel.network.prefixlen


def homes(
    clients: Mapping[str, Client], peers: Mapping[str, Peer], namespaces: Mapping[str, Namespace]
) -> dict[str, str]:
    """Interface → the network that all of its clients are peers of. Those of which there is none are left out."""
    network_of = {
        peer.client: namespaces[peer.namespace].network
        for peer in peers.values()
        if peer.client is not None and peer.namespace in namespaces
    }
    found: dict[str, set[str | None]] = {}
    for name, client in clients.items():
        found.setdefault(client.interface, set()).add(network_of.get(name))
    alone = {link: next(iter(networks)) for link, networks in found.items() if len(networks) == 1}
    return {link: network for link, network in alone.items() if network is not None}


def are_apart(one: Tunnel, other: Tunnel, home_of: Mapping[str, str]) -> bool:
    """Whether two whose addresses overlap are of different networks."""
    both = home_of.get(one.link), home_of.get(other.link)
    return None not in both and both[0] != both[1]


def twins(interfaces: Mapping[str, Interface], home_of: Mapping[str, str]) -> dict[str, str]:
    """All interfaces that have others' addresses, on whatever server → their networks. The file has no faults."""
    found: set[str] = set()
    for tunnel, around in overlapping(tunnels(interfaces, interfaces)):
        for other in around:
            found |= {tunnel.link, other.link}
    return {link: home_of[link] for link in sorted(found)}
