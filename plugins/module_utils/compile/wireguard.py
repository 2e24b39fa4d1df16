# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plans of WireGuard interfaces: the server's part, and that of each client that is a managed host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..intent.domain import Intent
from ..intent.interface import USERSPACE
from ..model.address import Address
from ..model.link import WIREGUARD, Link
from ..model.marks import alias_of
from ..model.plan import PEER, HostPlan
from ..model.route import Route
from ..model.sysctl import ON, REFLECTING, Sysctl
from ..model.wireguard import UNMADE, Device, Peer
from .access import access_of
from .allowed_ips import allowed_ips
from .client import config_of, endpoint_text, host_prefix
from .service import Member, Service
from .subnets import server_addresses
from .twins import ALONE, Crowd
from .wireguard_mtu import inner_mtu

# By family.
_FORWARDING = (("net.ipv4.ip_forward", "1"), ("net.ipv6.conf.all.forwarding", "1"))
# What the host itself says of a packet (ICMP errors) goes where that has come from, though others have its address.
_REFLECTING = tuple((name, ON) for name in REFLECTING)


def server_part(service: Service, intent: Intent, internal: tuple[str, ...], crowd: Crowd = ALONE) -> HostPlan:
    """What the server has of this interface. internal: prefixes that are not the internet."""
    name, interface = service.name, service.interface
    profiles = {member.client.profile for member in service.members}
    sends = {profile: allowed_ips(intent.profiles[profile], interface, service.server) for profile in sorted(profiles)}
    shared = [subnet if subnet in crowd.shared else None for subnet in interface.subnets]
    unmanaged = [member for member in service.members if member.client.host is None]
    return HostPlan(
        host=interface.server,
        role=service.server.role,
        links=(_server_link(service)._replace(by_mark=bool(crowd.shared)),),
        addresses=tuple(
            Address(name, address, prefix_route=subnet not in crowd.unrouted)
            for subnet, address in zip(interface.subnets.both(), server_addresses(interface.subnets))
        ),
        sysctls=(*_switches(_FORWARDING, interface.subnets), *_switches(_REFLECTING, shared)),
        devices=(Device(name, service.ends.key or UNMADE, interface.endpoint.port),),
        peers=tuple(_client_peer(name, member) for member in service.members if member.peer_key is not None),
        clients=tuple(config_of(service, member, sends[member.client.profile]) for member in unmanaged),
        accesses=(access_of(service, intent, internal),),
    )


def _switches(switches: tuple[tuple[str, str], ...], subnets: Iterable[str | None]) -> Iterator[Sysctl]:
    """That of each family that there is. subnets: by family."""
    yield from (Sysctl(*switch) for switch, subnet in zip(switches, subnets) if subnet is not None)


def _client_peer(link: str, member: Member) -> Peer:
    return Peer(
        link=link,
        public_key=member.peer_key or UNMADE,
        name=member.name,
        allowed_ips=tuple(sorted(host_prefix(address) for address in member.addresses)),
        preshared=member.preshared,
        expires=member.client.expires,
        successor=member.ends.following,
    )


def client_part(service: Service, member: Member, host: str, intent: Intent) -> HostPlan:
    """What a managed host has as a client. Everything it sends into the tunnel goes by a route of its own: the kernel
    makes none of an address that is alone in its prefix."""
    name, interface = service.name, service.interface
    sends = allowed_ips(intent.profiles[member.client.profile], interface, service.server)
    peer = Peer(
        link=name,
        public_key=service.peer_key or UNMADE,
        name=interface.server,
        allowed_ips=tuple(sorted(sends)),
        keepalive=interface.keepalive,
        preshared=member.preshared,
        endpoint=endpoint_text(interface.endpoint),
        successor=service.ends.following,
    )
    mtu = interface.mtu or min(service.mtu, inner_mtu(interface, member.underlay))
    return HostPlan(
        host=host,
        role=PEER,
        links=(_link(service, host, mtu),),
        addresses=tuple(Address(name, host_prefix(address)) for address in member.addresses),
        routes=tuple(_routes(name, member.addresses, sends)),
        devices=(Device(name, member.ends.key or UNMADE),),
        peers=(peer,) if service.peer_key is not None else (),
    )


def _routes(link: str, addresses: tuple[str, ...], sends: tuple[str, ...]) -> Iterator[Route]:
    """Of the families that the tunnel has, each from the client's own address."""
    own = {":" in address: address for address in addresses}
    for destination in sends:
        if (":" in destination) in own:
            yield Route(destination, "", link, own[":" in destination])


def _server_link(service: Service) -> Link:
    interface = service.interface
    return _link(service, interface.server, service.mtu)._replace(
        userspace=None if interface.implementation is None else interface.implementation == USERSPACE,
        queue=interface.queue or 0,
        threads=interface.threads or 0,
    )


def _link(service: Service, host: str, mtu: int) -> Link:
    """Who does WireGuard, and how, the intent says of servers; a client takes what it has."""
    ipv6 = service.interface.subnets.ipv6 is not None
    return Link(name=service.name, kind=WIREGUARD, alias=alias_of(host), mac="", mtu=mtu, ipv6=ipv6)
