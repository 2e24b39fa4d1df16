# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients that are peers send into their tunnels besides, whatever their profile: what their network knows others
by, where that are shadows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...intent.claims import network_of
from ...model.client import ClientConfig
from ...model.plan import HostPlan
from ...model.policy import PolicyMaps
from ...model.route import Route
from ...model.wireguard import Peer
from ..networks import collapsed, without
from .places import Site


def with_ways(plans: Mapping[str, HostPlan], site: Site, maps: PolicyMaps) -> dict[str, HostPlan]:
    """The plans of servers, which keep files of clients, and those of clients that are hosts."""
    seen = _seen(site, maps)
    found = dict(plans)
    if not seen:
        return found
    for host, plan in plans.items():
        found[host] = plan._replace(clients=tuple(_file(config, seen.get(config.name, ())) for config in plan.clients))
    for name, shadows in seen.items():
        client = site.intent.clients[name]
        if client.host in found:
            found[client.host] = _host(found[client.host], client.interface, site.clients[name], shadows)
    return found


def _seen(site: Site, maps: PolicyMaps) -> dict[str, tuple[str, ...]]:
    """Client → shadows of others, of the families that it has, but for what its profile leaves out."""
    names = {network.number: network.name for network in maps.networks}
    found = {}
    for peer in site.intent.peers.values():
        if peer.client is None or peer.client not in site.clients:
            continue
        home = network_of(peer, site.intent.namespaces)
        families = {":" in address for address in site.clients[peer.client]}
        shadows = [one.shadow for one in maps.shadows if names[one.viewer] == home and (":" in one.shadow) in families]
        profile = site.intent.profiles[site.intent.clients[peer.client].profile]
        if shadows:
            found[peer.client] = without(shadows, profile.exclude)
    return dict(sorted(found.items()))


def _file(config: ClientConfig, shadows: tuple[str, ...]) -> ClientConfig:
    return config._replace(allowed_ips=collapsed((*config.allowed_ips, *shadows))) if shadows else config


def _host(plan: HostPlan, link: str, addresses: tuple[str, ...], shadows: tuple[str, ...]) -> HostPlan:
    peers = tuple(_peer(peer, shadows) if peer.link == link else peer for peer in plan.peers)
    return plan._replace(peers=peers, routes=(*plan.routes, *_routes(plan, link, addresses, shadows)))


def _peer(peer: Peer, shadows: tuple[str, ...]) -> Peer:
    return peer._replace(allowed_ips=tuple(sorted(collapsed((*peer.allowed_ips, *shadows)))))


def _routes(plan: HostPlan, link: str, addresses: tuple[str, ...], shadows: tuple[str, ...]) -> Iterator[Route]:
    own = {":" in address: address for address in addresses}
    known = {route.destination for route in plan.routes}
    for shadow in shadows:
        if shadow not in known:
            yield Route(shadow, "", link, own[":" in shadow])
