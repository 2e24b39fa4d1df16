# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""WireGuard interfaces of servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..model.access import MASQUERADE_EVERYTHING, MASQUERADE_INTERNET, MASQUERADE_NOTHING
from .address import UNUSABLE, Address, Cidr
from .collection import List, Map
from .hostname import Hostname
from .names import HOST, INTERFACE, ZONE
from .scalar import Boolean, Choice, Integer
from .schema import Check, Field, Record, Where
from .server import Pair, pair

KERNEL = "kernel"
USERSPACE = "userspace"

# RFC 8200: no IPv6 below.
IPV6_MTU = 1280
# Outer IPv4 (20), UDP (8) and WireGuard's data message (32).
IPV4_OVERHEAD = 60


class Endpoint(NamedTuple):
    """Where clients connect to: a host name or an address as they see it, and the UDP port the server listens on."""

    host: str
    port: int


class Interface(NamedTuple):
    """server: name of one. subnets: of the VPN. lan: networks that can be reached behind the server.

    internet: whether it can be reached behind the server. masquerade: nothing, internet or everything.
    implementation: KERNEL or USERSPACE, None: the kernel's where it has one. mtu: bytes, None: the underlay decides.
    keepalive: seconds, of the clients; 0: off. dns: resolvers for the clients. zone: firewalld's.
    queue: transmit queue length in packets, None: as the kernel chooses. threads: processors that wireguard-go may
    use, None: all.
    """

    server: str
    endpoint: Endpoint
    subnets: Pair
    lan: tuple[str, ...]
    internet: bool
    masquerade: str
    implementation: str | None
    mtu: int | None
    keepalive: int
    dns: tuple[str, ...]
    zone: str
    queue: int | None
    threads: int | None


def _ipv6_fits(mtu: int | None, ipv6: str | None) -> Iterator[tuple[str, str]]:
    if mtu is not None and mtu < IPV6_MTU and ipv6 is not None:
        yield "mtu", f"{mtu} is too small for IPv6, which needs {IPV6_MTU} (RFC 8200); raise it, or drop subnets.ipv6"


def _threads_are_used(implementation: str | None, threads: int | None) -> Iterator[tuple[str, str]]:
    if threads is not None and implementation == KERNEL:
        yield "threads", f"the kernel does not ask; delete the line, or choose implementation: {USERSPACE}"


def _resolvers_have_a_subnet(dns: tuple[str, ...], ipv4: str | None, ipv6: str | None) -> Iterator[tuple[Where, str]]:
    for number, address in enumerate(dns):
        family = "IPv6" if ":" in address else "IPv4"
        if (ipv6 if family == "IPv6" else ipv4) is None:
            yield (
                ("dns", number),
                f"{address}: clients have no {family} address here; delete it, or give subnets.{family.lower()}",
            )


_TOO_SMALL = "the server and a client need addresses"
_SUBNETS = pair(
    Cidr(4, UNUSABLE, longest=30, why=_TOO_SMALL),
    Cidr(6, UNUSABLE, longest=126, why=_TOO_SMALL),
    "The {} network of the tunnel: its first address is the server's, the next ones are the clients'.",
)

ENDPOINT = Record(
    build=Endpoint,
    fields={
        "host": Field(Hostname(), "The name or address that clients connect to.", required=True),
        "port": Field(
            Integer(1, 65535, "a port"),
            "The UDP port that clients connect to and the server listens on.",
            required=True,
        ),
    },
)

WIREGUARD_INTERFACE = Record(
    build=Interface,
    fields={
        "server": Field(HOST, "The server that has it: a name below `servers`.", required=True),
        "endpoint": Field(ENDPOINT, "Where clients connect to.", required=True),
        "subnets": Field(_SUBNETS, "The networks of the tunnel.", required=True),
        "lan": Field(
            List(Cidr(unusable=UNUSABLE), unique=True), "Networks behind the server, for profiles with `lan`.", []
        ),
        "internet": Field(Boolean(), "Whether profiles may let clients to the internet here.", False),
        "masquerade": Field(
            Choice((MASQUERADE_NOTHING, MASQUERADE_INTERNET, MASQUERADE_EVERYTHING)),
            "What leaves with the server's own address; everything: also towards `lan`, where nothing leads back.",
            MASQUERADE_INTERNET,
        ),
        "implementation": Field(
            Choice((KERNEL, USERSPACE)),
            "Who does WireGuard: the kernel, or wireguard-go as a service.",
            absent="the kernel where it can, otherwise wireguard-go",
        ),
        "mtu": Field(
            Integer(
                576, 65535 - IPV4_OVERHEAD, "an MTU", "IPv4 needs 576, and with 60 bytes more no packet is over 65535"
            ),
            "The MTU inside the tunnel; 1280 at least where there is IPv6.",
            absent="the underlay's, less 80 bytes for the tunnel's headers (over IPv6; over IPv4 they are 60)",
        ),
        "keepalive": Field(
            Integer(0, 65535, "seconds"), "How often clients say that they are there, in seconds; 0: never.", 25
        ),
        "dns": Field(List(Address(unusable=UNUSABLE), unique=True), "Resolvers for the clients; all may ask them.", []),
        "zone": Field(ZONE, "The firewalld zone of the interface, where firewalld runs.", "internal"),
        "queue": Field(
            Integer(1, 100000, "a number of packets"), "The length of the transmit queue.", absent="the kernel's choice"
        ),
        "threads": Field(
            Integer(1, 1024, "a number of processors"), "How many processors wireguard-go may use.", absent="all"
        ),
    },
    checks=(
        Check(("mtu", "subnets.ipv6"), _ipv6_fits),
        Check(("implementation", "threads"), _threads_are_used),
        Check(("dns", "subnets.ipv4", "subnets.ipv6"), _resolvers_have_a_subnet),
    ),
)
INTERFACES = Map(INTERFACE, WIREGUARD_INTERFACE, noun="interface")
