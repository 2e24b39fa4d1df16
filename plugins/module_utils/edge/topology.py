# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plans of all hosts → what they connect, and what each host is to ask the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.link import BRIDGE, VXLAN
from ..model.marks import ALIAS_PREFIX
from ..model.plan import HUB, NAS, ROUTER, HostPlan
from ..model.probe import OVERLAY, UNDERLAY, Probe
from ..model.topology import CLIENT, Edge, End, Node, Topology
from ..model.wireguard import Device, Peer

# Who serves whom, where it is not clear from the peers.
_SERVES = {HUB: 0, ROUTER: 1, NAS: 2}
VXLAN_EDGE, WIREGUARD_EDGE = "vxlan", "wireguard"


def topology(plans: Mapping[str, HostPlan], addresses: Mapping[str, str]) -> Topology:
    """addresses: where each host is reached, bare, of those of which that is known."""
    edges = (*_tunnels(plans), *_pairs(plans), *_clients(plans))
    hosts = [Node(name, name, plan.role) for name, plan in sorted(plans.items())]
    ends = [edge.far for edge in edges if edge.far.node not in plans]
    clients = [Node(end.node, end.node.rpartition("/")[2], CLIENT) for end in ends]
    return Topology((*hosts, *clients), edges, {host: tuple(_probes(host, plans, edges, addresses)) for host in plans})


def _tunnels(plans: Mapping[str, HostPlan]) -> Iterator[Edge]:
    """By the hub's side; a runner whose hub has no plan for it has no tunnel."""
    for host, plan in sorted(plans.items()):
        if plan.role != HUB:
            continue
        for link in plan.links:
            other = plans.get(link.alias[len(ALIAS_PREFIX) :])
            if link.kind != VXLAN or other is None:
                continue
            near = End(host, link.name, "", _addresses(plan, link.name), link.mtu)
            for far in other.links:
                if (far.kind, far.vni) == (VXLAN, link.vni):
                    inside = _addresses(other, far.master or far.name)
                    yield Edge(VXLAN_EDGE, near, End(other.host, far.name, "", inside, far.mtu))


def _addresses(plan: HostPlan, link: str) -> tuple[str, ...]:
    return tuple(one.address.partition("/")[0] for one in plan.addresses if one.link == link)


def _mtu(plan: HostPlan, link: str) -> int:
    return next((one.mtu for one in plan.links if one.name == link), 0)


def _owners(plans: Mapping[str, HostPlan]) -> dict[str, tuple[str, Device]]:
    """Hosts by the public keys of their devices."""
    return {device.public_key: (host, device) for host, plan in plans.items() for device in plan.devices}


def _peer_owner(peer: Peer, owners: Mapping[str, tuple[str, Device]]) -> tuple[str, Device] | None:
    return owners.get(peer.public_key) or owners.get(peer.successor or "")


def _pairs(plans: Mapping[str, HostPlan]) -> Iterator[Edge]:
    """WireGuard between two hosts of ours, once for each pair of links."""
    owners = _owners(plans)
    seen: set[frozenset[tuple[str, str]]] = set()
    for host, plan in sorted(plans.items(), key=lambda item: (_SERVES.get(item[1].role, 3), item[0])):
        for peer in plan.peers:
            found = _peer_owner(peer, owners)
            if found is None or found[0] == host:
                continue
            other, device = found
            pair = frozenset({(host, peer.link), (other, device.link)})
            if pair in seen:
                continue
            seen.add(pair)
            back = [one.name for one in plans[other].peers if one.link == device.link and _leads(one, host, owners)]
            near = End(host, peer.link, peer.name, _addresses(plan, peer.link), _mtu(plan, peer.link))
            far_plan, name = plans[other], back[0] if back else ""
            far = End(other, device.link, name, _addresses(far_plan, device.link), _mtu(far_plan, device.link))
            yield Edge(WIREGUARD_EDGE, near, far)


def _leads(peer: Peer, host: str, owners: Mapping[str, tuple[str, Device]]) -> bool:
    found = _peer_owner(peer, owners)
    return found is not None and found[0] == host


def _clients(plans: Mapping[str, HostPlan]) -> Iterator[Edge]:
    owners = _owners(plans)
    for host, plan in sorted(plans.items()):
        for peer in plan.peers:
            if _peer_owner(peer, owners) is None:
                inside = _addresses(plan, peer.link)
                near = End(host, peer.link, peer.name, inside, _mtu(plan, peer.link))
                own = tuple(prefix.partition("/")[0] for prefix in peer.allowed_ips)
                yield Edge(
                    WIREGUARD_EDGE, near, End(f"{host}/{peer.link}/{peer.name}", "", "", own), expires=peer.expires
                )


def _probes(
    host: str, plans: Mapping[str, HostPlan], edges: tuple[Edge, ...], addresses: Mapping[str, str]
) -> Iterator[Probe]:
    """Each tunnel of this host that leads to a host of ours, the others' own addresses, and the bridges of all other
    runners, which are behind the hub. Clients are people's devices; nobody asks them."""
    for edge in edges:
        for end, other in ((edge.near, edge.far), (edge.far, edge.near)):
            if end.node == host and other.node in plans:
                for address in other.addresses:
                    yield Probe(edge.way(end), other.node, address)
    for other, address in sorted(addresses.items()):
        if other != host and other in plans:
            yield Probe(UNDERLAY, other, address)
    if _bridges(plans[host]):
        for other, plan in sorted(plans.items()):
            if other != host:
                for bridge in _bridges(plan):
                    yield from (Probe(OVERLAY, other, address) for address in _addresses(plan, bridge))


def _bridges(plan: HostPlan) -> list[str]:
    """The runner's bridges that have a tunnel as a port."""
    masters = {link.master for link in plan.links if link.kind == VXLAN}
    return [link.name for link in plan.links if link.kind == BRIDGE and link.name in masters]
