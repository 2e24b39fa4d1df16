# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where peers are that do not say their addresses: clients, servers and runners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from ...intent.claims import network_of
from ...intent.domain import Intent
from ...intent.node import below
from ...intent.peer import Peer
from ...model.docker import DockerNetwork
from ...model.errors import Fault
from ...model.plan import HostPlan
from ..inventory import OVERLAY, Inventory
from .prefix import in_common, prefix_of


class Site(NamedTuple):
    """A domain with all that was decided about it. plans: by host. clients: their addresses, bare, by name. homes: of
    interfaces that have addresses of another one's, the network of all of their clients."""

    intent: Intent
    inventory: Inventory
    plans: Mapping[str, HostPlan]
    clients: Mapping[str, tuple[str, ...]]
    homes: Mapping[str, str] = MappingProxyType({})

    def clients_of(self, link: str) -> tuple[str, ...]:
        """The peers that clients of an interface are."""
        return tuple(
            sorted(
                name
                for name, peer in self.intent.peers.items()
                if peer.client is not None and self.intent.clients[peer.client].interface == link
            )
        )

    def homes_at(self, host: str) -> dict[str, str]:
        """Of the interfaces that a host has as a server."""
        interfaces = self.intent.interfaces
        return {link: home for link, home in self.homes.items() if interfaces[link].server == host}

    def spoke(self, host: str) -> DockerNetwork | None:
        """The part of the overlay that is a runner's; None: it has none."""
        plan = self.plans.get(host)
        return next((network for network in plan.networks if network.bridge is not None), None) if plan else None

    def subnets(self) -> dict[str, tuple[str, ...]]:
        """Of all runners that have one."""
        spokes = {host: self.spoke(host) for host in self.plans}
        return {host: (spoke.subnet,) for host, spoke in spokes.items() if spoke is not None}

    def addresses(self, host: str) -> tuple[str, ...]:
        """A host's own, bare, as far as plans and intent know them."""
        plan, server = self.plans.get(host), self.intent.servers.get(host)
        planned = (address.address.partition("/")[0] for address in (plan.addresses if plan else ()))
        return tuple(dict.fromkeys((*planned, *(server.management.both() if server else ()))))

    def hosts(self) -> tuple[str, ...]:
        """Addresses of all hosts, but those that they have as somebody's clients."""
        clients = frozenset(chain.from_iterable(self.clients.values()))
        return tuple(sorted({address for host in self.plans for address in self.addresses(host)} - clients))


class Placed(NamedTuple):
    """places: peer → addresses and prefixes in its network, sorted. Peers with a fault are left out."""

    places: dict[str, tuple[str, ...]]
    faults: tuple[Fault, ...]


def placed(site: Site) -> Placed:
    places: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for name, peer in sorted(site.intent.peers.items()):
        home = network_of(peer, site.intent.namespaces)
        if home is None or peer.addresses or peer.subnets:
            continue
        cidrs = site.intent.networks[home].cidrs
        wrong = [
            Fault("domain.yaml", below(below("peers", name), field), said) for field, said in _wrong(peer, site, cidrs)
        ]
        has = () if wrong else tuple(_has(peer, site))
        inside = sorted({str(both) for both in in_common(has, cidrs)})
        if has:
            wrong += _outside(name, peer, has, inside, f"the cidrs of {home} ({', '.join(cidrs)})")
        if inside and not wrong:
            places[name] = tuple(inside)
        faults += wrong
    return Placed(places, tuple(faults))


def _wrong(peer: Peer, site: Site, cidrs: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What cannot be a peer."""
    if peer.runner is not None:
        yield from (("runner", said) for said in _no_runner(peer.runner, site))
    for name in peer.containers.runners if peer.containers is not None else ():
        wrong = list(_no_runner(name, site))
        yield from (("containers", said) for said in wrong)
        spoke = None if wrong else site.spoke(name)
        if spoke is not None and not list(in_common((spoke.subnet,), cidrs)):
            message = f"{name} has {spoke.subnet}, and nothing of that is inside of {', '.join(cidrs)}; widen them"
            yield "containers", message


def _no_runner(name: str, site: Site) -> Iterator[str]:
    """Why nobody is behind it."""
    runner = next((host for host in site.inventory.runners if host.name == name), None)
    if runner is None:
        names = ", ".join(host.name for host in site.inventory.runners) or "nobody"
        yield f"{name} is not in the inventory's group runners; there is {names}"
    elif runner.mode != OVERLAY:
        message = f"{name} is a runner with overlay_mode {runner.mode}, so it has no part of the overlay; "
        yield f"{message}let it be in the overlay, or delete the peer"
    elif site.intent.overlay is None:
        yield f"{name} has no part of an overlay, for the intent declares none; declare `overlay`"


def _has(peer: Peer, site: Site) -> Iterator[str]:
    """All of its addresses and prefixes; none: others faults say why, or it is waited for."""
    if peer.client is not None:
        yield from site.clients.get(peer.client, ())
    if peer.server is not None:
        yield from site.addresses(peer.server)
    if peer.runner is not None:
        spoke = site.spoke(peer.runner)
        # The runner's own address besides: those of hosts are never somebody's by a wider prefix.
        yield from () if spoke is None else (spoke.subnet, spoke.gateway)


def _outside(name: str, peer: Peer, has: tuple[str, ...], inside: list[str], cidrs: str) -> Iterator[Fault]:
    if peer.client is not None:
        for text in has:
            if str(prefix_of(text)) not in inside:
                message = f"{text}, of {peer.client}, is not inside of {cidrs}; widen them, or give it another address"
                yield Fault("domain.yaml", below(below("peers", name), "client"), message)
    elif not inside:
        field, host = ("server", peer.server) if peer.server is not None else ("runner", peer.runner)
        message = f"{host} has {', '.join(has)}, and nothing of that is inside of {cidrs}; widen them"
        yield Fault("domain.yaml", below(below("peers", name), field), message)
