# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What on a host stands in the way of its WireGuard interfaces."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import state as kinds
from ..model.link import WIREGUARD
from ..model.plan import HostPlan
from ..model.route import MAIN_TABLE
from ..model.state import Foreign, Observed
from .prefix import covers, is_default, network, overlap


def wireguard_faults(plan: HostPlan, observed: Observed) -> Iterator[tuple[str, str]]:
    """(subject, message) of everything about WireGuard that stops this plan."""
    yield from _implementations(plan, observed)
    yield from _ports(plan, observed)
    yield from _subnets(plan, observed.foreign)
    yield from _routes(plan, observed.foreign)


def _implementations(plan: HostPlan, observed: Observed) -> Iterator[tuple[str, str]]:
    for link in plan.links:
        if link.kind == WIREGUARD and link.userspace is False and not observed.capabilities.wireguard:
            yield (
                f"{kinds.LINK} {link.name}",
                (
                    "wants the kernel's WireGuard, and this kernel has none; take one that has it (5.6 or later, with "
                    f"CONFIG_WIREGUARD), or set interfaces.{link.name}.implementation to userspace"
                ),
            )


def _ports(plan: HostPlan, observed: Observed) -> Iterator[tuple[str, str]]:
    for device in plan.devices:
        if device.port and device.port in observed.foreign.ports:
            yield (
                f"UDP port {device.port}",
                (
                    f"is in use by something else, and {device.link} is to listen on it; "
                    f"`ss -ulpn sport = {device.port}` names the process: stop it, or choose another endpoint port"
                ),
            )


def _subnets(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """Networks of the VPN that the host has already, elsewhere."""
    for access in plan.accesses:
        for subnet in access.subnets:
            for uplink in foreign.uplinks:
                if overlap(subnet, uplink.address):
                    yield (
                        f"address {uplink.address} on {uplink.link}",
                        f"overlaps {subnet}, a VPN subnet of {access.link}; choose another one",
                    )
            for route in foreign.routes:
                if not is_default(route.destination) and route.link and overlap(subnet, route.destination):
                    yield (
                        f"{kinds.ROUTE} {route.destination} on {route.link}",
                        (
                            f"overlaps {subnet}, a VPN subnet of {access.link}, and was not made by weft; remove it or "
                            "choose another subnet"
                        ),
                    )


def _routes(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """What a managed client would send into its tunnel although it is attached to it, or reached from there."""
    tunnels = {link.name for link in plan.links if link.kind == WIREGUARD}
    for route in plan.routes:
        if route.link not in tunnels or route.table != MAIN_TABLE:
            continue
        for uplink in foreign.uplinks:
            if covers(network(uplink.address), route.destination):
                yield (
                    f"address {uplink.address} on {uplink.link}",
                    (
                        f"lies in {route.destination}, which {route.link} would take over; this host is in that "
                        "network already: give it a profile that excludes it"
                    ),
                )
        for client in foreign.clients:
            if overlap(route.destination, client):
                yield (
                    f"ssh session from {client}",
                    (
                        f"comes from within {route.destination}, which {route.link} would take over: its replies would "
                        "go into the tunnel; reach this host another way, or exclude that network in its profile"
                    ),
                )
