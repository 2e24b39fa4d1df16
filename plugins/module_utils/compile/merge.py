# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One plan for each host, of everything that it is: a hub may be a server too, a runner the client of a VPN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_interface
from itertools import combinations
from typing import Any, NamedTuple

from ..intent.address import Network
from ..model.errors import Fault
from ..model.plan import HostPlan
from ..model.route import MAIN_TABLE


class Part(NamedTuple):
    """what: the part of the intent that wants it, in words. plan: what that wants of one host."""

    what: str
    plan: HostPlan


def merged(parts: Sequence[Part]) -> tuple[dict[str, HostPlan], list[Fault]]:
    """By host, its parts in the order given; the first one says what the host is."""
    by_host: dict[str, list[Part]] = {}
    for part in parts:
        by_host.setdefault(part.plan.host, []).append(part)
    faults = [fault for host in sorted(by_host) for fault in _clashes(host, by_host[host])]
    return {host: _one([part.plan for part in by_host[host]]) for host in sorted(by_host)}, faults


def _one(plans: list[HostPlan]) -> HostPlan:
    return HostPlan(
        host=plans[0].host,
        role=plans[0].role,
        space=tuple(dict.fromkeys(prefix for plan in plans for prefix in plan.space)),
        links=tuple(link for plan in plans for link in plan.links),
        addresses=tuple(address for plan in plans for address in plan.addresses),
        routes=tuple(route for plan in plans for route in plan.routes),
        sysctls=tuple(dict.fromkeys(switch for plan in plans for switch in plan.sysctls)),
        firewall=next((plan.firewall for plan in plans if plan.firewall is not None), None),
        networks=tuple(network for plan in plans for network in plan.networks),
        devices=tuple(device for plan in plans for device in plan.devices),
        peers=tuple(peer for plan in plans for peer in plan.peers),
        clients=tuple(client for plan in plans for client in plan.clients),
        accesses=tuple(access for plan in plans for access in plan.accesses),
        rules=tuple(rule for plan in plans for rule in plan.rules),
        policy=next((plan.policy for plan in plans if plan.policy is not None), None),
        borrowed=tuple(borrowed for plan in plans for borrowed in plan.borrowed),
        audit=next((plan.audit for plan in plans if plan.audit is not None), None),
        collector=next((plan.collector for plan in plans if plan.collector is not None), None),
    )


def _clashes(host: str, parts: list[Part]) -> Iterator[Fault]:
    for one, other in combinations(parts, 2):
        for subject, message in (*_shared(one.plan, other.plan), *_overlaps(one.plan, other.plan)):
            yield Fault(host, subject, f"{message}; {one.what} and {other.what} cannot both be here as they are")


def _shared(one: HostPlan, other: HostPlan) -> Iterator[tuple[str, str]]:
    """What only one of them can have."""
    for name in sorted({link.name for link in one.links} & {link.name for link in other.links}):
        yield f"link {name}", "is wanted twice"
    for port in sorted(_ports(one) & _ports(other)):
        yield f"UDP port {port}", "is wanted twice"
    for destination in sorted({route.key() for route in one.routes} & {route.key() for route in other.routes}):
        yield f"route {destination}", "would lead two ways"


def _ports(plan: HostPlan) -> set[int]:
    tunnels = {link.port for link in plan.links if link.port}
    return tunnels | {device.port for device in plan.devices if device.port}


def _overlaps(one: HostPlan, other: HostPlan) -> Iterator[tuple[str, str]]:
    """Networks of their own that touch each other, and routes of the one that take from what is the other's alone."""
    for first, second in ((one, other), (other, one)):
        # Other tables are for packets that the other part never sees.
        for route in (route for route in second.routes if route.table == MAIN_TABLE):
            destination = _network(route.destination)
            if any(_touch(_network(prefix), destination) for prefix in first.space):
                yield f"route {route.destination}", f"overlaps {', '.join(first.space)}"
            for address in () if first.space else first.addresses:
                if _within(destination, _network(address.address)):
                    yield f"route {route.destination}", f"lies within {_network(address.address)} of {address.link}"
    # Of two interfaces with clients the intent has said what may be.
    for own in () if one.accesses and other.accesses else _networks(one):
        for theirs in _networks(other):
            if _touch(own, theirs):
                yield f"network {theirs}", f"overlaps {own}"


def _networks(plan: HostPlan) -> list[Network]:
    """Where there is a space of its own, all addresses lie in it."""
    return [_network(text) for text in plan.space or [address.address for address in plan.addresses]]


def _network(text: str) -> Network:
    return ip_interface(text).network


def _touch(one: Any, other: Any) -> bool:
    return bool(one.version == other.version and one.overlaps(other))


def _within(one: Any, other: Any) -> bool:
    return bool(one.version == other.version and one.subnet_of(other))
