# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whose which addresses are, and which prefixes of policies they lie in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ...intent.claims import network_of
from ...intent.network import Network
from ...intent.node import below
from ...intent.peer import Peer
from ...intent.tenancy import Tenancy
from ...model.errors import Fault
from .prefix import Forest, Prefix, inhabited, prefix_of
from .shadow_views import PLAIN, Views

# By network, the innermost prefix that its policies name around some addresses; networks without one are left out.
Regions = tuple[tuple[str, Prefix], ...]


class Atom(NamedTuple):
    """Addresses of one peer that no policy tells apart: all of `prefix` but what longer ones hold, and they do not hold
    all of it. network: the peer's own."""

    network: str
    prefix: Prefix
    owner: str
    regions: Regions


class Ground(NamedTuple):
    """home: peer → network. reach: network → itself and those peered with it, sorted.

    owned: network → the prefixes of its peers, and whose they are. named: network → the prefixes that its policies
    name, also those that they except. hosts: network → addresses inside of its peers' prefixes that are hosts', and so
    nobody's there. apart: network → what peers have in the midst of its containers that it does not reach: to whoever
    reaches it, that is another network's, though it is in its cidrs. views: by which prefixes networks know each
    other's; all others are a network's own.
    """

    home: Mapping[str, str]
    reach: Mapping[str, tuple[str, ...]]
    owned: Mapping[str, Forest[str]]
    named: Mapping[str, Forest[None]]
    hosts: Mapping[str, frozenset[Prefix]]
    views: Views = PLAIN
    apart: Mapping[str, frozenset[Prefix]] = MappingProxyType({})


class Surveyed(NamedTuple):
    """notes: for the reader."""

    ground: Ground
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


def survey(
    tenancy: Tenancy, places: Mapping[str, tuple[str, ...]], hosts: Iterable[str] = (), views: Views = PLAIN
) -> Surveyed:
    """places: peer → prefixes or addresses, of peers that do not say them themselves. hosts: addresses of hosts of
    ours, which are a peer's only if it has just them."""
    notes: list[str] = []
    faults: list[Fault] = []
    home: dict[str, str] = {}
    owned: dict[str, dict[Prefix, str]] = {name: {} for name in sorted(tenancy.networks)}
    for name, peer in sorted(tenancy.peers.items()):
        network = network_of(peer, tenancy.namespaces)
        if network is None:
            raise ValueError(f"peer {name} is in a namespace that is not declared: {peer.namespace}")
        home[name] = network
        texts = _texts(peer, places.get(name, ()))
        if not texts and peer.containers is None:
            notes.append(f"peers.{name} has no address yet: no packet is from it or for it")
        for prefix in map(prefix_of, texts):
            other = owned[network].setdefault(prefix, name)
            if other != name:
                message = f"{prefix.shown()} is {other}'s too, in {network}; it is one peer's, take it from one of them"
                faults.append(Fault("domain.yaml", below("peers", name), message))
    nobodys = {name: Forest[str]({}) for name in owned}
    ground = Ground(home, reach_of(tenancy.networks), nobodys, _named(tenancy), {}, views)
    return Surveyed(with_owners(ground, owned, hosts), tuple(notes), tuple(faults))


def with_owners(ground: Ground, owners: Mapping[str, Mapping[Prefix, str]], hosts: Iterable[str]) -> Ground:
    """Others have some prefixes, by network."""
    owned = {name: Forest({**forest.values, **owners.get(name, {})}) for name, forest in ground.owned.items()}
    every = tuple(map(prefix_of, hosts))
    return ground._replace(owned=owned, hosts={name: _hosts_within(forest, every) for name, forest in owned.items()})


def _hosts_within(owned: Forest[str], hosts: Iterable[Prefix]) -> frozenset[Prefix]:
    return frozenset(host for host in hosts if host not in owned.values and owned.innermost(host) is not None)


def reach_of(networks: Mapping[str, Network]) -> dict[str, tuple[str, ...]]:
    """Only what both sides say counts."""
    return {
        name: tuple(sorted({name, *(other for other in network.peered if name in networks[other].peered)}))
        for name, network in sorted(networks.items())
    }


def _texts(peer: Peer, places: Iterable[str]) -> tuple[str, ...]:
    return (*peer.addresses, *peer.subnets) or tuple(places)


def _named(tenancy: Tenancy) -> dict[str, Forest[None]]:
    found: dict[str, dict[Prefix, None]] = {name: {} for name in sorted(tenancy.networks)}
    for _name, policy in sorted(tenancy.policies.items()):
        network = policy.network or tenancy.namespaces[policy.namespace or ""].network
        for _place, others in policy.others():
            if others.cidr is not None:
                found[network].update(dict.fromkeys(map(prefix_of, (others.cidr, *others.excluded))))
    return {name: Forest(prefixes) for name, prefixes in found.items()}


def atoms_of(ground: Ground, network: str) -> list[Atom]:
    """The addresses of a network's peers, in order."""
    owned = ground.owned[network]
    prefixes = dict(owned.values)
    for subnet in owned:
        if not subnet.single():
            for prefix in set(_named_within(ground, network, subnet)) - ground.hosts[network]:
                around = owned.innermost(prefix) or subnet
                prefixes[prefix] = owned.values[around]
    there = inhabited({*prefixes, *ground.hosts[network]})
    forest = Forest({prefix: owner for prefix, owner in prefixes.items() if prefix in there})
    regions: dict[Prefix, dict[str, Prefix]] = {prefix: {} for prefix in forest}
    for near in ground.reach[network]:
        # Those that hold others come before them, so the innermost is what stays.
        for named in ground.named[near]:
            for meant in ground.views.meant(near, network, named):
                for prefix in forest.within(meant):
                    regions[prefix][near] = named
    return [Atom(network, prefix, owner, tuple(regions[prefix].items())) for prefix, owner in forest.values.items()]


def _named_within(ground: Ground, network: str, subnet: Prefix) -> Iterator[Prefix]:
    for near in ground.reach[network]:
        for named in ground.named[near].within(ground.views.seen(near, network, subnet)):
            yield from ground.views.meant(near, network, named)
