# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a domain may say and probably does not mean. Nothing here refuses a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .address import overlap
from .collection import Named
from .interface import Interface
from .networks import within
from .schema import Check, Where

Found = Iterator[tuple[Where, str]]

# What routers for homes and phones that share their connection hand out, by the makers' defaults.
USUAL_AT_HOME = (
    "10.0.0.0/24",
    "10.0.1.0/24",
    "10.1.1.0/24",
    "172.16.0.0/24",
    "172.20.10.0/28",
    "192.168.0.0/24",
    "192.168.1.0/24",
    "192.168.2.0/24",
    "192.168.8.0/24",
    "192.168.31.0/24",
    "192.168.43.0/24",
    "192.168.50.0/24",
    "192.168.68.0/24",
    "192.168.86.0/24",
    "192.168.88.0/24",
    "192.168.100.0/24",
    "192.168.137.0/24",
    "192.168.178.0/24",
    "192.168.179.0/24",
)


def _lans_are_not_like_home(interfaces: Named) -> Found:
    for name, number, lan in _lans(interfaces):
        home = next((usual for usual in USUAL_AT_HOME if overlap(lan, usual)), None)
        if home is not None:
            what = f"{lan} is" if home == lan else f"{lan} overlaps {home},"
            message = (
                f"{what} what many have at home: from such a home a client cannot reach it through the tunnel; "
                "choose another network for it, if you can"
            )
            yield ("interfaces", name, "lan", number), message


def _lans_are_of_a_family_of_the_tunnel(interfaces: Named) -> Found:
    for name, number, lan in _lans(interfaces):
        family = "IPv6" if ":" in lan else "IPv4"
        if getattr(interfaces.values[name].subnets, family.lower()) is None:
            message = (
                f"{lan}: clients of {name} have no {family} address to reach it from; give subnets.{family.lower()}"
            )
            yield ("interfaces", name, "lan", number), message


def _endpoints_are_not_in_a_lan(interfaces: Named) -> Found:
    for name, _number, lan in _lans(interfaces):
        host = interfaces.values[name].endpoint.host
        if within(host, lan):
            message = (
                f"{host} is inside of {lan}, a lan of {name}: clients reach the endpoint beside the tunnel, and so "
                "all else at this address; give an address that is not in a lan"
            )
            yield ("interfaces", name, "endpoint", "host"), message


def _lans(interfaces: Named) -> Iterator[tuple[str, int, str]]:
    values: Mapping[str, Interface] = interfaces.values
    for name, interface in values.items():
        for number, lan in enumerate(interface.lan):
            yield name, number, lan


def _resolvers_can_be_reached(servers: Named, interfaces: Named) -> Found:
    for name, interface in interfaces.values.items():
        server = servers.values.get(interface.server)
        # By way of the internet any may be reached; of a server that could not be read nothing can be said.
        if interface.internet or server is None:
            continue
        near = (*interface.lan, *interface.subnets.both(), *server.management.both())
        for number, address in enumerate(interface.dns):
            if not any(overlap(address, network) for network in near):
                message = (
                    f"{address} is in no lan and no network of {name}, which has no internet either: "
                    f"see that {interface.server} can reach it"
                )
                yield ("interfaces", name, "dns", number), message


CHECKS = (
    Check(("interfaces.*",), _lans_are_not_like_home, note=True),
    Check(("interfaces.*",), _lans_are_of_a_family_of_the_tunnel, note=True),
    Check(("interfaces.*",), _endpoints_are_not_in_a_lan, note=True),
    Check(("servers.*", "interfaces.*"), _resolvers_can_be_reached, note=True),
)
