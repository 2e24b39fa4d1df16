# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The VXLAN overlay: one hub, any number of runners, a subnet of the overlay for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .address import UNUSABLE, Cidr, overlap, subnet_count
from .carrier import CARRIER, PLAIN, WIREGUARD, Carrier, carrier_of
from .carrier import CHECKS as CARRIER_CHECKS
from .names import DOCKER_NETWORK, INTERFACE, INTERFACE_PREFIX, ZONE, covered_by
from .scalar import Choice, Integer
from .schema import Check, Field, Record

# RFC 7348: the VXLAN network identifier has 24 bits.
MAX_VNI = 2**24 - 1
# Outer IPv4 (20), UDP (8) and VXLAN (8) headers, and the inner Ethernet header (14).
IPV4_OVERHEAD = 50


class Names(NamedTuple):
    """What the overlay's links and Docker networks are called. ``hub_tunnel`` is followed by the runner's number."""

    hub_link: str
    hub_tunnel: str
    runner_tunnel: str
    bridge: str
    network: str
    isolated_network: str


class Overlay(NamedTuple):
    """The overlay as the intent wants it. Networks are canonical text, without host bits.

    mtu: of the inner links, in bytes; None: each host's underlay decides. carrier: None: the tunnels run in the open.
    """

    cidr: str
    runner_prefix: int
    base_vni: int
    port: int
    mtu: int | None
    zone: str
    isolated_cidr: str
    names: Names
    carrier: Carrier | None

    def runner_count(self) -> int:
        """How many runners fit; they are numbered from 1 to this."""
        return _runner_count(self.cidr, self.runner_prefix)


def _runner_count(cidr: str, runner_prefix: int) -> int:
    """Subnets of the overlay but the first, which is the hub's own. Below 1: the sizes do not fit each other."""
    return max(0, subnet_count(cidr, runner_prefix) - 1)


NAMES = Record(
    build=Names,
    fields={
        "hub_link": Field(INTERFACE, "The hub's link that carries its own overlay address.", "kohaku-host"),
        "hub_tunnel": Field(
            INTERFACE_PREFIX, "How the hub's tunnels are called; the runner's number follows (vxkr1, vxkr2, …).", "vxkr"
        ),
        "runner_tunnel": Field(INTERFACE, "A runner's tunnel to the hub.", "vxlan0"),
        "bridge": Field(INTERFACE, "A runner's bridge, which containers are attached to.", "kohaku-overlay"),
        "network": Field(DOCKER_NETWORK, "The Docker network on that bridge.", "kohakuriver-overlay"),
        "isolated_network": Field(
            DOCKER_NETWORK, "The Docker network of a runner whose overlay_mode is default.", "kohakuriver-net"
        ),
    },
)


def _hub_names_differ(hub_link: str, hub_tunnel: str) -> Iterator[tuple[str, str]]:
    number = hub_link[len(hub_tunnel) :]
    if hub_link.startswith(hub_tunnel) and number.isdigit():
        message = f"{hub_link} reads as the tunnel {hub_tunnel} of runner {number}; choose another name for one of them"
        yield "names.hub_link", message


def _runner_names_differ(runner_tunnel: str, bridge: str) -> Iterator[tuple[str, str]]:
    if runner_tunnel == bridge:
        yield "names.bridge", f"{bridge} is the name of runner_tunnel too; a host's links need different names"


def _networks_differ(network: str, isolated_network: str) -> Iterator[tuple[str, str]]:
    if network == isolated_network:
        message = f"{network} is the name of network too; a runner that changes its mode has both for a while"
        yield "names.isolated_network", message


def _wildcard_is_ours(field: str) -> Callable[[str], Iterator[tuple[str, str]]]:
    def find(name: str) -> Iterator[tuple[str, str]]:
        other = covered_by(name)
        if other is not None:
            yield field, f"{name} is how {other} begins, and the firewall would trust all {name}+; choose another name"

    return find


def _runners_fit(cidr: str, runner_prefix: int) -> Iterator[tuple[str, str]]:
    if _runner_count(cidr, runner_prefix) < 1:
        yield "runner_prefix", f"/{runner_prefix} gives no subnets of {cidr}; choose a longer one"


def _vnis_fit(cidr: str, runner_prefix: int, base_vni: int) -> Iterator[tuple[str, str]]:
    count = _runner_count(cidr, runner_prefix)
    if base_vni + count > MAX_VNI:
        message = f"{base_vni} + {count}, the highest runner number, is above {MAX_VNI}, the highest VNI"
        if count < MAX_VNI:
            message += f"; at most {MAX_VNI - count} fits these sizes"
        yield "base_vni", message


def _tunnel_names_fit(cidr: str, runner_prefix: int, hub_tunnel: str) -> Iterator[tuple[str, str]]:
    longest = f"{hub_tunnel}{_runner_count(cidr, runner_prefix)}"
    if len(longest) > INTERFACE.longest:
        message = f"{longest}, the last runner's tunnel, has {len(longest)} bytes; an interface name has at most 15"
        yield "names.hub_tunnel", message


def _isolated_is_apart(cidr: str, isolated_cidr: str) -> Iterator[tuple[str, str]]:
    if overlap(cidr, isolated_cidr):
        yield "isolated_cidr", f"{isolated_cidr} overlaps the overlay's {cidr}; choose a network outside it"


def _overlay(underlay: str, carrier: Carrier | None, **fields: Any) -> Overlay:
    """``underlay`` is not a part of the value: it says whether there is a carrier."""
    return Overlay(carrier=carrier_of(underlay, carrier), **fields)


_USABLE = "a gateway, the far side and a container need addresses"
_WHOLE = Cidr(
    family=4, unusable=UNUSABLE, longest=28, why="the hub and a runner need a subnet each, and none is below /29"
)
_ISOLATED = Cidr(family=4, unusable=UNUSABLE, longest=29, why="a gateway and containers need addresses")

OVERLAY = Record(
    build=_overlay,
    fields={
        "cidr": Field(_WHOLE, "The whole overlay. IPv4; its first subnet is the hub's own.", "10.0.0.0/8"),
        "runner_prefix": Field(
            Integer(1, 29, "a prefix length", _USABLE), "The prefix length of each runner's subnet of the overlay.", 16
        ),
        "base_vni": Field(Integer(0, MAX_VNI - 1, "a base VNI"), "Runner N's tunnel has this VNI plus N.", 100),
        "port": Field(Integer(1, 65535, "a port"), "The UDP port of the tunnels, on every host.", 4789),
        "mtu": Field(
            Integer(
                1280,
                65535 - IPV4_OVERHEAD,
                "an MTU",
                "IPv6 needs 1280 (RFC 8200), and with 50 bytes for the tunnel no packet is over 65535",
            ),
            "The MTU inside the overlay, the same on every host.",
            absent="the underlay's, less the tunnel's headers (50 bytes over IPv4, 70 over IPv6)",
        ),
        "zone": Field(ZONE, "The firewalld zone of the overlay's links, where firewalld runs.", "trusted"),
        "isolated_cidr": Field(
            _ISOLATED,
            "The Docker network of a runner whose overlay_mode is default; the same on each.",
            "172.30.0.0/16",
        ),
        "names": Field(NAMES, "What the links and Docker networks are called.", {}),
        "underlay": Field(
            Choice((PLAIN, WIREGUARD)), "Whether the tunnels run in the open, or inside of WireGuard.", PLAIN
        ),
        "carrier": Field(
            CARRIER,
            "The WireGuard link that the tunnels run in; only with `underlay: wireguard`.",
            absent="its defaults",
        ),
    },
    checks=(
        Check(("cidr", "runner_prefix"), _runners_fit),
        Check(("cidr", "runner_prefix", "base_vni"), _vnis_fit),
        Check(("cidr", "isolated_cidr"), _isolated_is_apart),
        Check(("cidr", "runner_prefix", "names.hub_tunnel"), _tunnel_names_fit),
        Check(("names.hub_link", "names.hub_tunnel"), _hub_names_differ),
        Check(("names.runner_tunnel", "names.bridge"), _runner_names_differ),
        *CARRIER_CHECKS,
        Check(("names.network", "names.isolated_network"), _networks_differ),
        # On firewalld the links are named by these wildcards.
        *(Check((field,), _wildcard_is_ours(field)) for field in ("names.hub_tunnel", "names.bridge")),
    ),
)
