# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the routing tables of networks on one host hold: of our own routes, and of the main table, what they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_interface
from types import MappingProxyType
from typing import NamedTuple

from ...intent.policy import Policy
from ...intent.tenancy import Tenancy
from ...model.link import DUMMY
from ...model.plan import HostPlan
from ...model.route import MAIN_TABLE, Borrowed, Route
from ..networks import collapsed
from .ground import reach_of
from .mtu import Tight, tight_links
from .prefix import Prefix, inhabited, prefix_of
from .routing import Tables, routing
from .shadow_routes import PLAIN, Seen
from .tags import table_of

NO_HOMES: Mapping[str, str] = MappingProxyType({})
_EVERYTHING = ("0.0.0.0/0", "::/0")


class HostRoutes(NamedTuple):
    """tight: links that have less than the MTU of a network whose packets go there. torn: of a network, a destination
    that it would have two ways to. seen: what the main table needs besides, for what others see by shadows."""

    tables: Tables
    borrowed: tuple[Borrowed, ...]
    tight: tuple[Tight, ...]
    torn: tuple[tuple[str, str], ...] = ()
    seen: tuple[Route, ...] = ()


class Destinations:
    """Where the packets of each network may go, as far as routes are concerned."""

    def __init__(self, tenancy: Tenancy, seen: Seen = PLAIN) -> None:
        self.seen = seen
        self.mtus = {name: network.mtu or 0 for name, network in tenancy.networks.items()}
        self._named: dict[str, set[str]] = {name: set() for name in tenancy.networks}
        self._said: dict[str, set[str]] = {name: set() for name in tenancy.networks}
        families = {name: {":" in cidr for cidr in network.cidrs} for name, network in tenancy.networks.items()}
        for policy in tenancy.policies.values():
            network = policy.network or tenancy.namespaces[policy.namespace or ""].network
            # Nobody there sends packets of a family that its cidrs do not have.
            said = {text for text in _said(policy) if (":" in text) in families[network]}
            whole = {text for text in _whole(policy) if (":" in text) in families[network]}
            self._said[network] |= said
            self._named[network] |= said | whole
        self._near = near = reach_of(tenancy.networks)
        cidrs = {
            name: [
                cidr for one in near[name] for cidr in tenancy.networks[one].cidrs if not seen.hides(name, one, cidr)
            ]
            for name in near
        }
        self._reached = {name: [*map(prefix_of, (*cidrs[name], *self._named[name]))] for name in near}

    def reaches(self, network: str, text: str) -> bool:
        """Whether some of a prefix is among them."""
        prefix = prefix_of(text)
        return any(prefix.holds(other) or other.holds(prefix) for other in self._reached[network])

    def leads(self, network: str, route: Route, homes: Mapping[str, str]) -> bool:
        """Whether a route of ours leads there. Behind a link with a home only those are who are in that network."""
        home, text = homes.get(route.link, network), route.destination
        if home not in self._near[network] or self.seen.hides(network, home, text):
            return False
        return self.reaches(network, text)

    def outside(self, network: str) -> tuple[str, ...]:
        """What policies there name by addresses."""
        return collapsed(self._named[network])

    def says(self, network: str, text: str) -> bool:
        """Whether a policy there says a prefix itself."""
        return text in self._said[network]


def _said(policy: Policy) -> Iterator[str]:
    rules = (*policy.ingress, *policy.egress)
    yield from (others.cidr for rule in rules for others in rule.others if others.cidr is not None)


def _whole(policy: Policy) -> Iterator[str]:
    return (text for rule in (*policy.ingress, *policy.egress) if not rule.others for text in _EVERYTHING)


def host_routes(
    plan: HostPlan,
    lans: Iterable[str],
    tags: Mapping[str, int],
    destinations: Destinations,
    homes: Mapping[str, str] = NO_HOMES,
) -> HostRoutes:
    """lans: what is behind the host by links of others. tags: of the networks of this host, by name. homes: of links
    that have addresses of others behind them, the network that they have them in."""
    own, lans = tuple(_own(plan, homes)), collapsed(lans)
    routes = {name: [route for route in own if destinations.leads(name, route, homes)] for name in sorted(tags)}
    ways = list(destinations.seen.ways(own, homes))
    for viewer, route in ways:
        if viewer in routes:
            routes[viewer].append(route)
    mtus, links = destinations.mtus, {link.name: link.mtu for link in plan.links}
    borrowed = (
        Borrowed(destination, table_of(tag), mtus[name], missed)
        for name, tag in sorted(tags.items(), key=lambda item: item[1])
        for destination, missed in _outside(name, lans, destinations, routes[name])
    )
    narrowed = {
        name: [route.narrowed(mtus[name], links.get(route.link, 0)) for route in found]
        for name, found in routes.items()
    }
    tight = (each for name, found in routes.items() for each in tight_links(name, plan.host, mtus[name], found, links))
    torn = ((name, text) for name, found in routes.items() for text in _twice(route.destination for route in found))
    seen = tuple(route for _viewer, route in ways)
    return HostRoutes(routing(tags, narrowed), tuple(borrowed), tuple(tight), tuple(torn), seen)


def _twice(texts: Iterable[str]) -> list[str]:
    return sorted(text for text, times in Counter(texts).items() if times > 1)


def _outside(
    network: str, lans: tuple[str, ...], destinations: Destinations, routes: Iterable[Route]
) -> Iterator[tuple[str, bool]]:
    """What routes of others are needed for, and whether it is missed where there are none: a lan is, and a default
    route if a policy says its prefix, but of what else policies name there need not be anything. What its own routes
    cover whole needs no others."""
    own = [prefix_of(route.destination) for route in routes]
    behind = [lan for lan in lans if destinations.reaches(network, lan) and not _covered(prefix_of(lan), own)]
    for text in collapsed((*behind, *destinations.outside(network))):
        prefix = prefix_of(text)
        if not _covered(prefix, own):
            default = text in _EVERYTHING and destinations.says(network, text)
            yield text, default or any(prefix.holds(prefix_of(lan)) for lan in behind)


def _covered(prefix: Prefix, own: list[Prefix]) -> bool:
    within = [other for other in own if prefix.holds(other)]
    return any(other.holds(prefix) for other in own) or prefix not in inhabited((prefix, *within))


def _own(plan: HostPlan, homes: Mapping[str, str]) -> Iterator[Route]:
    """What the plan has for the main table, once for each destination, and what is behind links with homes. A dummy has
    nobody behind it."""
    silent = {link.name for link in plan.links if link.kind == DUMMY}
    seen: set[tuple[Prefix, str]] = set()
    connected = (
        Route(str(ip_interface(address.address).network), "", address.link, "")
        for address in plan.addresses
        if (address.prefix_route or address.link in homes) and address.link not in silent
    )
    for route in (*(route for route in plan.routes if route.table == MAIN_TABLE), *connected):
        place = prefix_of(route.destination), route.link if route.link in homes else ""
        if place not in seen:
            seen.add(place)
            yield route
