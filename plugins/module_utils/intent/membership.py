# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clients beside each other on their interfaces: addresses, keys and machines that are one's own."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from .address import Network
from .client import Client
from .collection import Named
from .interface import Interface
from .schema import Check, Where

Found = Iterator[tuple[Where, str]]


def room(subnet: Network) -> int:
    """How many clients fit: all addresses but the network's own, the server's, and the broadcast address of IPv4."""
    return subnet.num_addresses - (3 if subnet.version == 4 else 2)


def _clients_fit(clients: Named, interfaces: Named) -> Found:
    count = Counter(client.interface for client in clients.values.values())
    for name, interface in interfaces.values.items():
        for family, text in interface.subnets._asdict().items():
            fitting = room(ipaddress.ip_network(text)) if text else count[name]
            if fitting < count[name]:
                has = f"{text} has room for {fitting} client" + ("" if fitting == 1 else "s")
                message = f"{has}, and {count[name]} are bound to {name}; choose a larger network, or another interface"
                yield ("interfaces", name, "subnets", family), message


def _pinned_addresses_are_inside(clients: Named, interfaces: Named) -> Found:
    for name, client in clients.values.items():
        interface: Interface | None = interfaces.values.get(client.interface)
        for family, address in client.addresses._asdict().items() if client.addresses and interface else ():
            subnet = getattr(interface.subnets, family) if interface else None
            message = _misplaced(address, subnet, client.interface, family) if address else None
            if message:
                yield ("clients", name, "addresses", family), message


def _misplaced(address: str, subnet: str | None, link: str, family: str) -> str | None:
    if subnet is None:
        return f"{link} has no {family.replace('ip', 'IP')} network; delete it, or give {link} subnets.{family}"
    network = ipaddress.ip_network(subnet)
    place = ipaddress.ip_address(address)
    advice = f"choose another one of {subnet}, or leave it to be allocated"
    if place not in network:
        return f"{address} is outside of {subnet}, the network of {link}; {advice}"
    if place == network[0]:
        return f"{address} is the address of the network itself; {advice}"
    if place == network[1]:
        return f"{address} is the server's own; {advice}"
    if place == network[-1] and network.version == 4:
        return f"{address} is the broadcast address of {subnet}; {advice}"
    return None


def _distinct(
    of: Callable[[Client], Iterator[tuple[tuple[str, ...], tuple[str, ...]]]], fault: str
) -> Callable[[Named], Found]:
    """``of``: what nobody else may have, with the field that it stands in. ``fault``: with {thing} and {other}."""

    def find(clients: Named) -> Found:
        holder: dict[tuple[str, ...], str] = {}
        values: Mapping[str, Client] = clients.values
        for name in (name for name in clients.names if name in values):
            for thing, field in of(values[name]):
                other = holder.setdefault(thing, name)
                if other != name:
                    yield ("clients", name, *field), fault.format(thing=thing[-1], link=thing[0], other=other)

    return find


def _keys(client: Client) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    if client.public_key is not None:
        yield (client.public_key,), ("public_key",)


def _addresses(client: Client) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for family, address in client.addresses._asdict().items() if client.addresses else ():
        if address is not None:
            yield (address,), ("addresses", family)


def _machines(client: Client) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    if client.host is not None:
        yield (client.interface, client.host), ("host",)


def _names_differ_in_more_than_case(clients: Named) -> Found:
    """The files of a client are called after it, and come to disks that do not tell ANNA from anna."""
    first: dict[str, str] = {}
    for name in clients.names:
        other = first.setdefault(name.casefold(), name)
        if other != name:
            yield (
                ("clients", name),
                f"differs from {other} in case only, as names of files may not; choose another name",
            )


def _hosts_are_no_servers_of_their_own(clients: Named, interfaces: Named) -> Found:
    for name, client in clients.values.items():
        interface = interfaces.values.get(client.interface)
        if interface is not None and client.host == interface.server:
            message = (
                f"{client.host} is the server of {client.interface}, and cannot be its client; choose another host"
            )
            yield ("clients", name, "host"), message


CHECKS = (
    Check(("clients.*", "interfaces.*"), _clients_fit),
    Check(("clients.*", "interfaces.*"), _pinned_addresses_are_inside),
    Check(("clients.*",), _distinct(_addresses, "{thing} is the address of {other} too; each client has its own")),
    Check(("clients.*",), _distinct(_keys, "is the key of {other} too; each client has its own, make another one")),
    Check(("clients.*",), _distinct(_machines, "{thing} is the client {other} of {link} already; keep one of them")),
    Check(("clients.*",), _names_differ_in_more_than_case),
    Check(("clients.*", "interfaces.*"), _hosts_are_no_servers_of_their_own),
)
