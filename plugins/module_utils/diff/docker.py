# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Docker networks: what has to be made or removed, and what must not be touched while containers run in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..model.docker import DockerNetwork, SeenNetwork
from ..model.plan import HostPlan
from ..model.state import Foreign
from .prefix import overlap


class NetworkChanges(NamedTuple):
    """remove: names, before the links change. create: networks, after the links changed. One that must be made
    anew is in both, because Docker cannot alter a network."""

    remove: tuple[str, ...]
    create: tuple[DockerNetwork, ...]


def network_changes(plan: HostPlan, foreign: Foreign) -> NetworkChanges:
    """What differs between the plan's networks and those that carry our label."""
    ours = {seen.network.name: seen.network for seen in foreign.networks if seen.ours}
    wanted = {network.name: network for network in plan.networks}
    create = tuple(network for name, network in wanted.items() if ours.get(name) != network)
    return NetworkChanges(tuple(name for name, network in ours.items() if wanted.get(name) != network), create)


def network_faults(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """(subject, message) of everything about Docker that stops this plan."""
    wanted = {network.name: network for network in plan.networks}
    for seen in foreign.networks:
        name = seen.network.name
        if seen.ours:
            yield from _busy(seen, wanted.get(name))
        elif name in wanted:
            yield (
                f"Docker network {name}",
                f"was not made by weft; remove it (docker network rm {name}) or choose another name in overlay.names",
            )
        else:
            yield from _overlaps(seen, plan)
    for pool in foreign.pools:
        for space in plan.space:
            if overlap(pool, space):
                yield (
                    f"Docker's address pool {pool}",
                    (
                        f"overlaps the overlay {space}; choose another overlay.cidr "
                        "or set default-address-pools in /etc/docker/daemon.json"
                    ),
                )


def _overlaps(seen: SeenNetwork, plan: HostPlan) -> Iterator[tuple[str, str]]:
    taken = [*plan.space, *(network.subnet for network in plan.networks if network.bridge is None)]
    for subnet in seen.subnets:
        for space in taken:
            if overlap(subnet, space):
                yield (
                    f"Docker network {seen.network.name}",
                    (
                        f"has the subnet {subnet}, which overlaps {space}, and was not made by weft; "
                        "remove it or choose another overlay.cidr"
                    ),
                )


def _busy(seen: SeenNetwork, wanted: DockerNetwork | None) -> Iterator[tuple[str, str]]:
    if seen.containers and wanted != seen.network:
        names = " ".join(seen.containers)
        fields = [] if wanted is None else [f for f, a, b in zip(wanted._fields, wanted, seen.network) if a != b]
        why = "is no longer wanted" if wanted is None else f"must be made anew ({', '.join(fields)} changed)"
        yield (
            f"Docker network {seen.network.name}",
            f"{why} but containers run in it; stop them first: docker stop {names}",
        )
