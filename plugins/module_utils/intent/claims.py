# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What peers say that they are: in their own networks, and nobody else."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping

from .address import Network as Prefix
from .collection import Named
from .namespace import Namespace
from .network import Network
from .peer import Peer
from .references import unknown
from .schema import Check, Where

Found = Iterator[tuple[Where, str]]


def network_of(peer: Peer, namespaces: Mapping[str, Namespace]) -> str | None:
    """The name of the network that a peer is in; None: its namespace is not known."""
    namespace = namespaces.get(peer.namespace)
    return namespace.network if namespace is not None else None


def prefixes(peer: Peer) -> Iterator[tuple[tuple[str, int], Prefix]]:
    """Its addresses and subnets, as networks, with their places in the peer."""
    for field, texts in ("addresses", peer.addresses), ("subnets", peer.subnets):
        for number, text in enumerate(texts):
            yield (field, number), ipaddress.ip_network(text)


def _in_order(peers: Named) -> Iterator[tuple[str, Peer]]:
    """As in the file: the fault is at the later one of two."""
    for name in peers.names:
        if name in peers.values:
            yield name, peers.values[name]


def _prefixes_are_inside(peers: Named, namespaces: Named, networks: Named) -> Found:
    for name, peer in _in_order(peers):
        home = network_of(peer, namespaces.values)
        network: Network | None = networks.values.get(home or "")
        if network is None:
            continue
        cidrs = [ipaddress.ip_network(cidr) for cidr in network.cidrs]
        for place, prefix in prefixes(peer):
            if not any(_is_inside(prefix, cidr) for cidr in cidrs):
                where = f"not inside of {', '.join(network.cidrs)}, the cidrs of {home}"
                yield ("peers", name, *place), f"{_shown(prefix, place)} is {where}; choose one that is, or widen them"


def _is_inside(prefix: Prefix, cidr: Prefix) -> bool:
    return prefix.version == cidr.version and prefix.subnet_of(cidr)  # type: ignore[arg-type]  # of one family


def _shown(prefix: Prefix, place: tuple[str, int]) -> str:
    return str(prefix[0] if place[0] == "addresses" else prefix)


def _prefixes_differ(peers: Named, namespaces: Named) -> Found:
    """Within a network. A longer one inside of another is no conflict: the longest says whose a packet is."""
    holder: dict[tuple[str, Prefix], str] = {}
    for name, peer in _in_order(peers):
        home = network_of(peer, namespaces.values)
        for place, prefix in prefixes(peer) if home is not None else ():
            other = holder.setdefault((home or "", prefix), name)
            if other != name:
                message = f"{_shown(prefix, place)} is claimed by {other} too, in {home}; it is one peer's, delete one"
                yield ("peers", name, *place), message


def _clients_are_one_peer(peers: Named) -> Found:
    """Of all networks: a key has its addresses once."""
    holder: dict[str, str] = {}
    for name, peer in _in_order(peers):
        other = name if peer.client is None else holder.setdefault(peer.client, name)
        if other != name:
            yield ("peers", name, "client"), f"{peer.client} is the peer {other} already; a client is one peer"


def _hosts_are_one_peer(field: str) -> Callable[[Named, Named], Found]:
    """Of each network: a host may be in several."""

    def find(peers: Named, namespaces: Named) -> Found:
        holder: dict[tuple[str, str], str] = {}
        for name, peer in _in_order(peers):
            home, host = network_of(peer, namespaces.values), getattr(peer, field)
            other = name if home is None or host is None else holder.setdefault((home, host), name)
            if other != name:
                message = f"{host} is the peer {other} of {home} already; a {field} is one peer of a network"
                yield ("peers", name, field), message

    return find


def _stand_below(field: str) -> Callable[[Named, Named], Found]:
    key = f"{field}s"

    def find(peers: Named, known: Named) -> Found:
        names = frozenset(known.names)
        for name, peer in peers.values.items():
            said = getattr(peer, field)
            fault = unknown(said, names, key) if said is not None else None
            if fault:
                yield ("peers", name, field), fault

    return find


CHECKS = (
    Check(("peers.*", "namespaces.*", "networks.*"), _prefixes_are_inside),
    Check(("peers.*", "namespaces.*"), _prefixes_differ),
    Check(("peers.*",), _clients_are_one_peer),
    Check(("peers.*", "namespaces.*"), _hosts_are_one_peer("server")),
    Check(("peers.*", "namespaces.*"), _hosts_are_one_peer("runner")),
    # Where the record has these too.
    Check(("peers.*", "clients.*"), _stand_below("client")),
    Check(("peers.*", "servers.*"), _stand_below("server")),
)
