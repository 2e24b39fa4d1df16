# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The networks of a domain beside each other: what may not overlap, and what is better chosen otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .address import overlap
from .carrier import Carrier, carrier_of
from .collection import Named
from .hostname import is_address
from .interface import Interface
from .schema import Check, Where
from .server import Server
from .twins import Tunnel, are_apart, homes, overlapping, tunnels

Found = Iterator[tuple[Where, str]]


def _tunnels(interfaces: Named) -> list[Tunnel]:
    """In the order of the file."""
    return tunnels(interfaces.names, interfaces.values)


_WAY_OUT = (
    "choose another network, or let all clients of the one be peers of one network, and those of the other of another"
)


def _tunnels_are_apart(interfaces: Named, clients: Named, peers: Named, namespaces: Named) -> Found:
    """Also on different servers: a client's address says which interface it came by, and answers have one way back.
    Unless the interface says whose it is, and packets of each network have ways of their own."""
    found = _tunnels(interfaces)
    order = {tunnel.where: number for number, tunnel in enumerate(found)}
    home_of = homes(clients.values, peers.values, namespaces.values)
    for tunnel, around in overlapping(found):
        clash = next((other for other in around if not are_apart(tunnel, other, home_of)), None)
        if clash is not None:
            first, second = sorted((clash, tunnel), key=lambda one: order[one.where])
            message = f"{second.network} overlaps {first.network}, the network of {first.link}; {_WAY_OUT}"
            yield second.where, message


def _tunnels_are_no_lan(interfaces: Named) -> Found:
    for tunnel in _tunnels(interfaces):
        for lan in interfaces.values[tunnel.link].lan:
            if overlap(str(tunnel.network), lan):
                yield tunnel.where, f"{tunnel.network} overlaps {lan}, a lan of {tunnel.link}; choose another network"


def _apart_from(field: str) -> Callable[[str, Named], Found]:
    def find(taken: str, interfaces: Named) -> Found:
        for tunnel in _tunnels(interfaces):
            if overlap(str(tunnel.network), taken):
                message = f"{tunnel.network} overlaps {field}, {taken}; choose a network outside it, or another {field}"
                yield tunnel.where, message

    return find


def _apart_from_the_carrier(underlay: str, carrier: Carrier | None, interfaces: Named) -> Found:
    own = carrier_of(underlay, carrier)
    if own is not None:
        yield from _apart_from("overlay.carrier.cidr")(own.cidr, interfaces)


def _ports_differ(interfaces: Named) -> Found:
    holder: dict[tuple[str, int], str] = {}
    values: Mapping[str, Interface] = interfaces.values
    for name in (name for name in interfaces.names if name in values):
        server, port = values[name].server, values[name].endpoint.port
        other = holder.setdefault((server, port), name)
        if other != name:
            message = f"{port} is the port of {other} too, on the same server; choose another port"
            yield ("interfaces", name, "endpoint", "port"), message


def _endpoints_are_outside(interfaces: Named) -> Found:
    for tunnel in _tunnels(interfaces):
        host = interfaces.values[tunnel.link].endpoint.host
        if within(host, str(tunnel.network)):
            message = f"{host} is inside of the tunnel, {tunnel.network}; give what clients connect to from outside"
            yield ("interfaces", tunnel.link, "endpoint", "host"), message


def within(host: str, network: str) -> bool:
    """Whether ``host`` is an address in ``network``; the name of a host may be anywhere."""
    return is_address(host) and overlap(host, network)


def _management_is_stable(servers: Named, interfaces: Named) -> Found:
    holder: dict[str, str] = {}
    tunnels = _tunnels(interfaces)
    values: Mapping[str, Server] = servers.values
    for name in (name for name in servers.names if name in values):
        for family, address in values[name].management._asdict().items():
            where = ("servers", name, "management", family)
            if address is None:
                continue
            other = holder.setdefault(address, name)
            if other != name:
                yield where, f"{address} is the address of {other} too; each server has its own"
            for tunnel in tunnels:
                if overlap(address, str(tunnel.network)):
                    message = (
                        f"{address} is inside of {tunnel.network}, the network of {tunnel.link}; "
                        "give an address that is there without the tunnel"
                    )
                    yield where, message


CHECKS = (
    Check(("interfaces.*", "clients.*", "peers.*", "namespaces.*"), _tunnels_are_apart),
    Check(("interfaces.*",), _tunnels_are_no_lan),
    Check(("overlay.cidr", "interfaces.*"), _apart_from("overlay.cidr")),
    Check(("overlay.isolated_cidr", "interfaces.*"), _apart_from("overlay.isolated_cidr")),
    Check(("overlay.underlay", "overlay.carrier", "interfaces.*"), _apart_from_the_carrier),
    Check(("interfaces.*",), _ports_differ),
    Check(("interfaces.*",), _endpoints_are_outside),
    Check(("servers.*", "interfaces.*"), _management_is_stable),
)
