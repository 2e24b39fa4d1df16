# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which interfaces a benchmark measures, between which addresses, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_interface
from typing import Any, NamedTuple

from ..model.errors import Fault, MeasureError
from ..model.plan import NAS, PEER, HostPlan
from ..model.wireguard import UNMADE
from .names import natural


class Path(NamedTuple):
    """One address family of a target: bare addresses inside the VPN."""

    server: str
    client: str


class Target(NamedTuple):
    """An interface to measure. link: its name on the client.

    server_key, client_key: public keys of the two ends. ipv4, ipv6: None where the interface has no such family.
    """

    interface: str
    server: str
    link: str
    server_key: str
    client_key: str
    ipv4: Path | None
    ipv6: Path | None

    def to_data(self) -> dict[str, Any]:
        """JSON data, which travels to the client's host."""
        return {**self._asdict(), **{name: path and path._asdict() for name, path in self._paths().items()}}

    def _paths(self) -> dict[str, Path | None]:
        return {"ipv4": self.ipv4, "ipv6": self.ipv6}


def from_data(data: Mapping[str, Any]) -> Target:
    """The reverse of Target.to_data."""
    paths = {name: Path(**data[name]) if data[name] else None for name in ("ipv4", "ipv6")}
    return Target(**{**data, **paths})


class Selection(NamedTuple):
    """left_out: (interface, reason) of what a benchmark would measure and this one cannot."""

    targets: tuple[Target, ...]
    left_out: tuple[tuple[str, str], ...]


def select(plans: Mapping[str, HostPlan], client: str, wanted: Sequence[str] = ()) -> Selection:
    """The interfaces of servers with role nas that `client` is a peer of; of those only `wanted`, where some are.

    Raises MeasureError with every fault: a name that is not one of those, a client that is a peer of none.
    """
    offered = {access.link: plan for plan in plans.values() if plan.role == NAS for access in plan.accesses}
    faults = [Fault("interfaces", name, _refusal(plans, offered, name)) for name in wanted if name not in offered]
    targets, left_out = [], []
    for name in sorted(offered, key=natural):
        if wanted and name not in wanted:
            continue
        target = _target(plans.get(client, HostPlan(client, PEER)), offered[name], name)
        if isinstance(target, Target):
            targets.append(target)
        else:
            left_out.append((name, target))
    if wanted or not targets:
        faults += [Fault("interfaces", name, reason) for name, reason in left_out]
    if not offered and not faults:
        faults.append(Fault("interfaces", "", "no server with role nas has one; declare some and run site.yml"))
    if faults:
        raise MeasureError(tuple(faults))
    return Selection(tuple(targets), tuple(left_out))


def rounds(names: Sequence[str], count: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """The order of each round: same seed, same orders. Every second round is the one before it backwards, and each
    pair begins one further in a shuffled list, so that nobody is always first, nor always behind the same one."""
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    orders = []
    for number in range(count):
        start = number // 2 % max(len(shuffled), 1)
        turned = shuffled[start:] + shuffled[:start]
        orders.append(tuple(turned[::-1] if number % 2 else turned))
    return tuple(orders)


def _target(plan: HostPlan, server: HostPlan, name: str) -> Target | str:
    """Why there is none, where there is none."""
    key = {device.link: device.public_key for device in server.devices}.get(name, UNMADE)
    if key == UNMADE:
        return f"{server.host} has no key for it yet; run site.yml"
    for peer in plan.peers:
        if key in (peer.public_key, peer.successor):
            own = {device.link: device.public_key for device in plan.devices}[peer.link]
            theirs, ours = _addresses(server, name), _addresses(plan, peer.link)
            ipv4, ipv6 = (
                Path(theirs[family], ours[family]) if family in theirs and family in ours else None for family in (4, 6)
            )
            return Target(name, server.host, peer.link, key, own, ipv4, ipv6)
    return _stranger(plan.host, name)


def _addresses(plan: HostPlan, link: str) -> dict[int, str]:
    """The first bare address of each family."""
    found: dict[int, str] = {}
    for address in plan.addresses:
        if address.link == link:
            bare = ip_interface(address.address).ip
            found.setdefault(bare.version, str(bare))
    return found


def _stranger(client: str, name: str) -> str:
    """How somebody becomes a peer, as what would be right."""
    declared = f"clients: {{bench-{name}: {{interface: {name}, host: {client}, profile: …}}}}"
    return f"{client} is no peer of {name}; declare it ({declared}) and run site.yml"


def _refusal(plans: Mapping[str, HostPlan], offered: Mapping[str, HostPlan], name: str) -> str:
    there = ", ".join(sorted(offered, key=natural)) or "none"
    for plan in plans.values():
        if name in {access.link for access in plan.accesses}:
            return (
                f"belongs to {plan.host}, which has role {plan.role}; a benchmark touches only interfaces of servers "
                f"with role nas ({there})"
            )
    return f"no server with role nas has such an interface; there are: {there}"
