# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plans of the VXLAN overlay: hub and spoke, one tunnel and one subnet for each runner."""

from __future__ import annotations

from typing import NamedTuple

from ..intent.overlay import Overlay
from ..model.address import Address
from ..model.docker import DockerNetwork
from ..model.firewall import Firewall
from ..model.link import BRIDGE, DUMMY, VXLAN, Link
from ..model.marks import alias_of
from ..model.plan import HUB, RUNNER, HostPlan
from ..model.route import Route
from ..model.sysctl import Sysctl
from .subnets import Subnet, carrier_address, gateway_of, hub_address, subnet_of

_FORWARDING = (Sysctl("net.ipv4.ip_forward", "1"),)

# Fifth octet's worth of meaning in our MACs: which end of a tunnel a device is.
_HUB_TUNNEL, _RUNNER_TUNNEL, _RUNNER_BRIDGE, _HUB_LINK = range(4)


class Spoke(NamedTuple):
    """One runner with all that was decided about it. underlay: its address. mtu: of its tunnel."""

    host: str
    runner_id: int
    underlay: str
    mtu: int


def hub_plan(overlay: Overlay, host: str, underlay: str, spokes: tuple[Spoke, ...]) -> HostPlan:
    """The hub: an address of its own, and for each spoke a tunnel, an address on it and the route to the subnet.

    The route leads through the runner's bridge, not straight onto the tunnel's wire: so both directions of a flow
    pass the runner's IP stack, and its connection tracking sees whole connections.
    """
    own = hub_address(overlay.cidr)
    source = own.partition("/")[0]
    links = [Link(overlay.names.hub_link, DUMMY, alias_of(host), _mac(_HUB_LINK, overlay.base_vni))]
    addresses = [Address(overlay.names.hub_link, own)]
    routes = []
    for spoke in spokes:
        subnet, vni = _subnet(overlay, spoke), overlay.base_vni + spoke.runner_id
        name = overlay.names.hub_tunnel + str(spoke.runner_id)
        tunnel = Link(name, VXLAN, alias_of(spoke.host), _mac(_HUB_TUNNEL, vni), spoke.mtu)
        near, far = _end(overlay, 0, underlay), _end(overlay, spoke.runner_id, spoke.underlay)
        links.append(tunnel._replace(vni=vni, port=overlay.port, local=near, remote=far))
        addresses.append(Address(name, f"{subnet.hub_side}/{subnet.prefix}", prefix_route=False))
        routes.append(Route(subnet.network, subnet.gateway, name, source))
    return HostPlan(
        host=host,
        role=HUB,
        space=(overlay.cidr,),
        links=tuple(links),
        addresses=tuple(addresses),
        routes=tuple(routes),
        sysctls=_FORWARDING,
        firewall=Firewall(
            cidr=overlay.cidr,
            port=overlay.port,
            vnis=tuple(overlay.base_vni + spoke.runner_id for spoke in spokes),
            remotes=tuple(_end(overlay, spoke.runner_id, spoke.underlay) for spoke in spokes),
            zone=overlay.zone,
            zone_interfaces=(overlay.names.hub_tunnel + "+",),
            carrier=overlay.carrier.link if overlay.carrier else None,
            carrier_port=overlay.carrier.port if overlay.carrier else None,
        ),
    )


def runner_plan(overlay: Overlay, spoke: Spoke, hub: str, hub_underlay: str) -> HostPlan:
    """A runner: its bridge with the tunnel as a port, the way to the rest of the overlay, and the Docker network."""
    subnet, vni = _subnet(overlay, spoke), overlay.base_vni + spoke.runner_id
    names = overlay.names
    bridge = Link(names.bridge, BRIDGE, alias_of(spoke.host), _mac(_RUNNER_BRIDGE, vni), spoke.mtu)
    tunnel = Link(names.runner_tunnel, VXLAN, alias_of(hub), _mac(_RUNNER_TUNNEL, vni), spoke.mtu, names.bridge)
    near, far = _end(overlay, spoke.runner_id, spoke.underlay), _end(overlay, 0, hub_underlay)
    return HostPlan(
        host=spoke.host,
        role=RUNNER,
        space=(overlay.cidr,),
        links=(bridge, tunnel._replace(vni=vni, port=overlay.port, local=near, remote=far)),
        addresses=(Address(names.bridge, f"{subnet.gateway}/{subnet.prefix}"),),
        routes=(Route(overlay.cidr, subnet.hub_side, names.bridge, subnet.gateway),),
        sysctls=_FORWARDING,
        firewall=Firewall(
            cidr=overlay.cidr,
            port=overlay.port,
            vnis=(vni,),
            remotes=(far,),
            zone=overlay.zone,
            zone_interfaces=(_wildcard(names.bridge), names.runner_tunnel),
            subnet=subnet.network,
            bridge=names.bridge,
            masquerade=True,
            # The runner speaks first, from a port of the kernel's choice; none is open to everybody.
            carrier=overlay.carrier.link if overlay.carrier else None,
        ),
        networks=(
            DockerNetwork(
                name=names.network,
                subnet=subnet.network,
                gateway=subnet.gateway,
                bridge=names.bridge,
                mtu=spoke.mtu,
                masquerade=False,
                reserved=(subnet.hub_side,),
            ),
        ),
    )


def isolated_plan(overlay: Overlay, host: str) -> HostPlan:
    """A runner in default mode: a Docker network of its own, no way to other hosts but Docker's own NAT."""
    cidr = overlay.isolated_cidr
    network = DockerNetwork(overlay.names.isolated_network, cidr, gateway_of(cidr), None, 0, masquerade=True)
    return HostPlan(host=host, role=RUNNER, networks=(network,))


def with_far_end(link: Link) -> Link:
    """A link of a runner; its tunnel with the MAC address of the hub's end."""
    if link.kind != VXLAN or link.master is None or link.vni is None:
        return link
    return link._replace(far=_mac(_HUB_TUNNEL, link.vni))


def _subnet(overlay: Overlay, spoke: Spoke) -> Subnet:
    return subnet_of(overlay.cidr, overlay.runner_prefix, spoke.runner_id)


def _end(overlay: Overlay, number: int, underlay: str) -> str:
    """Where the tunnel of a runner ends, or the hub's for number 0: on the underlay, or inside of the carrier."""
    return carrier_address(overlay.carrier.cidr, number) if overlay.carrier else underlay


def _wildcard(name: str) -> str:
    """firewalld's wildcard that means this name. Exact, it would bar Docker from taking the bridge into its zone."""
    return name[:14] + "+"


def _mac(end: int, vni: int) -> str:
    """A locally administered unicast address (IEEE 802, bit 1 of the first octet) that follows from the VNI."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x77, end, *vni.to_bytes(3, "big")))
