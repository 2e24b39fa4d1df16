# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the routing tables of networks on one host hold: of our own routes, and of the main table, what they need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_interface
from typing import NamedTuple

from ...intent.policy import Policy
from ...intent.tenancy import Tenancy
from ...model.link import DUMMY
from ...model.plan import HostPlan
from ...model.route import MAIN_TABLE, Borrowed, Route
from ..networks import collapsed
from .ground import reach_of
from .prefix import Prefix, prefix_of
from .routing import Tables, routing
from .tags import table_of

_EVERYTHING = ("0.0.0.0/0", "::/0")


class HostRoutes(NamedTuple):
    tables: Tables
    borrowed: tuple[Borrowed, ...]


class Destinations:
    """Where the packets of each network may go, as far as routes are concerned."""

    def __init__(self, tenancy: Tenancy) -> None:
        self._named: dict[str, set[str]] = {name: set() for name in tenancy.networks}
        for policy in tenancy.policies.values():
            network = policy.network or tenancy.namespaces[policy.namespace or ""].network
            self._named[network].update(_named(policy))
        near = reach_of(tenancy.networks)
        cidrs = {name: [cidr for one in near[name] for cidr in tenancy.networks[one].cidrs] for name in near}
        self._reached = {name: [*map(prefix_of, (*cidrs[name], *self._named[name]))] for name in near}

    def reaches(self, network: str, text: str) -> bool:
        """Whether some of a prefix is among them."""
        prefix = prefix_of(text)
        return any(prefix.holds(other) or other.holds(prefix) for other in self._reached[network])

    def outside(self, network: str) -> tuple[str, ...]:
        """What policies there name by addresses."""
        return collapsed(self._named[network])


def _named(policy: Policy) -> Iterator[str]:
    for rule in (*policy.ingress, *policy.egress):
        yield from () if rule.others else _EVERYTHING
        yield from (others.cidr for others in rule.others if others.cidr is not None)


def host_routes(plan: HostPlan, lans: Iterable[str], tags: Mapping[str, int], destinations: Destinations) -> HostRoutes:
    """lans: what is behind the host by links of others. tags: of the networks of this host, by name."""
    own, lans = tuple(_own(plan)), collapsed(lans)
    routes = {name: [route for route in own if destinations.reaches(name, route.destination)] for name in sorted(tags)}
    borrowed = (
        Borrowed(destination, table_of(tag))
        for name, tag in sorted(tags.items(), key=lambda item: item[1])
        for destination in _outside(name, lans, destinations)
    )
    return HostRoutes(routing(tags, routes), tuple(borrowed))


def _outside(network: str, lans: tuple[str, ...], destinations: Destinations) -> tuple[str, ...]:
    behind = (lan for lan in lans if destinations.reaches(network, lan))
    return collapsed((*behind, *destinations.outside(network)))


def _own(plan: HostPlan) -> Iterator[Route]:
    """What the plan has for the main table, once for each destination. A dummy has nobody behind it."""
    silent = {link.name for link in plan.links if link.kind == DUMMY}
    seen: set[Prefix] = set()
    connected = (
        Route(str(ip_interface(address.address).network), "", address.link, "")
        for address in plan.addresses
        if address.prefix_route and address.link not in silent
    )
    for route in (*(route for route in plan.routes if route.table == MAIN_TABLE), *connected):
        prefix = prefix_of(route.destination)
        if prefix not in seen:
            seen.add(prefix)
            yield route
