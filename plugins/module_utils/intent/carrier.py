# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The WireGuard link that the overlay's tunnels run in, where the underlay is not to be trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from .address import UNUSABLE, Cidr, overlap, subnet_count
from .names import INTERFACE
from .scalar import Integer
from .schema import Check, Field, Record

PLAIN = "plain"
WIREGUARD = "wireguard"


class Carrier(NamedTuple):
    """link: its name, on every host. cidr: its own network, the hub first. port: UDP, on the hub."""

    link: str
    cidr: str
    port: int


DEFAULT = Carrier("wg-overlay", "172.16.254.0/23", 51821)

CARRIER = Record(
    build=Carrier,
    fields={
        "link": Field(INTERFACE, "What it is called, on every host.", DEFAULT.link),
        "cidr": Field(
            Cidr(4, UNUSABLE, longest=30, why="the hub and a runner need addresses"),
            "Its own network: the first address is the hub's, runner N has the Nth after it.",
            DEFAULT.cidr,
        ),
        "port": Field(Integer(1, 65535, "a port"), "The UDP port that the hub listens on.", DEFAULT.port),
    },
)


def carrier_of(underlay: str, carrier: Carrier | None) -> Carrier | None:
    """What the two fields of an overlay mean together; None: there is no such link."""
    return (carrier or DEFAULT) if underlay == WIREGUARD else None


def _is_read(underlay: str, carrier: Carrier | None) -> Iterator[tuple[str, str]]:
    if underlay == PLAIN and carrier is not None:
        yield "carrier", f"is only read with underlay: {WIREGUARD}; say that, or delete it"


def _is_apart(underlay: str, carrier: Carrier | None, cidr: str, isolated: str) -> Iterator[tuple[str, str]]:
    own = carrier_of(underlay, carrier)
    for taken, field in (cidr, "cidr"), (isolated, "isolated_cidr"):
        if own and overlap(own.cidr, taken):
            yield "carrier.cidr", f"{own.cidr} overlaps {field}, {taken}; choose a network outside it"


def _has_room(underlay: str, carrier: Carrier | None, cidr: str, runner_prefix: int) -> Iterator[tuple[str, str]]:
    own = carrier_of(underlay, carrier)
    # Of the subnets one is the hub's; its address here comes out of the same count.
    hosts = subnet_count(cidr, runner_prefix)
    if own and ipaddress.ip_network(own.cidr).num_addresses - 2 < hosts:
        # Network and broadcast address besides.
        fitting = 32 - (hosts + 1).bit_length()
        message = f"{own.cidr} is too small for a hub and {hosts - 1} runners"
        yield "carrier.cidr", message + (f"; choose a network of /{fitting}" if fitting > 0 else "; have fewer subnets")


def _has_a_port(underlay: str, carrier: Carrier | None, port: int) -> Iterator[tuple[str, str]]:
    own = carrier_of(underlay, carrier)
    if own and own.port == port:
        yield "carrier.port", f"{port} is the port of the tunnels too; the hub listens on both, choose another one"


def _has_a_name(
    underlay: str, carrier: Carrier | None, hub_link: str, hub_tunnel: str, runner_tunnel: str, bridge: str
) -> Iterator[tuple[str, str]]:
    """Its own; and none that the firewall, which trusts the overlay's links by wildcards, would trust with them."""
    own = carrier_of(underlay, carrier)
    if own is None:
        return
    for name, field in (hub_link, "hub_link"), (runner_tunnel, "runner_tunnel"):
        if own.link == name:
            yield "carrier.link", f"{own.link} is the name of names.{field} too; a host's links need different names"
    for prefix, field in (hub_tunnel, "hub_tunnel"), (bridge, "bridge"):
        if own.link.startswith(prefix):
            yield "carrier.link", f"{own.link} begins with {prefix}, names.{field}; choose another name"


CHECKS = (
    Check(("underlay", "carrier"), _is_read),
    Check(("underlay", "carrier", "cidr", "isolated_cidr"), _is_apart),
    Check(("underlay", "carrier", "cidr", "runner_prefix"), _has_room),
    Check(("underlay", "carrier", "port"), _has_a_port),
    Check(
        ("underlay", "carrier", "names.hub_link", "names.hub_tunnel", "names.runner_tunnel", "names.bridge"),
        _has_a_name,
    ),
)
