# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the firewall has to know of tenants with the same addresses, from a host's plan.

Twins are interfaces with clients behind which others of the host have the same addresses. What connection tracking
knows of their clients is told apart by zones, in the direction that a client began: the other direction is in no zone,
so NAT gives each its own port where the host's address stands for both, or the same address of both, and an answer is
found whoever it is for. The tag of the network is kept with the connection, and an answer gets it back before it is
routed; but not that of a receiver's network, which a translated packet has. Clients that speak to each other by one
interface are in its zone in both directions, since nobody else meets them there.

What was translated has a shadow as its source, in either direction: to connection tracking an answer is none. So it
sees nothing of what goes to somebody whose answer is translated too before it is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import NamedTuple

from ...model.access import Access
from ...model.marks import ZONE_BASE
from ...model.plan import HostPlan


class Twin(NamedTuple):
    """One interface. tag: of its network."""

    link: str
    tag: int

    def zone(self) -> int:
        return ZONE_BASE + self.tag


class Tenants(NamedTuple):
    """shadows: prefixes that somebody here may have in the eyes of another network. behind: those who are behind
    policed links of this host, where what they send is translated."""

    twins: tuple[Twin, ...] = ()
    shadows: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()

    def tag_of(self, link: str) -> int | None:
        """None: it is no twin."""
        return next((twin.tag for twin in self.twins if twin.link == link), None)


NO_TENANTS = Tenants()


def tenants_of(plan: HostPlan) -> Tenants:
    if plan.policy is None:
        return NO_TENANTS
    shadows = tuple(sorted({one.shadow for one in plan.policy.shadows}))
    behind = [subnet for access in plan.accesses for subnet in access.subnets]
    behind += [plan.firewall.cidr] if plan.firewall is not None else []
    return Tenants(tuple(_twins(plan)), shadows, tuple(sorted(set(behind))) if shadows else ())


def _twins(plan: HostPlan) -> Iterator[Twin]:
    policy = plan.policy
    tags = {one.network: one.tag for one in policy.tags} if policy is not None else {}
    networks = {one.interface: one.network for one in policy.attachments} if policy is not None else {}
    for access in plan.accesses:
        if access.link in networks and len(sharing(access, plan.accesses)) > 1:
            yield Twin(access.link, tags[networks[access.link]])


def sharing(access: Access, accesses: tuple[Access, ...]) -> tuple[Access, ...]:
    """It, and all others that have some of its addresses, in order."""
    return tuple(
        other for other in accesses if other is access or any(_overlap(*pair) for pair in _pairs(access, other))
    )


def _pairs(one: Access, other: Access) -> Iterator[tuple[str, str]]:
    return ((mine, theirs) for mine in one.subnets for theirs in other.subnets)


def _overlap(one: str, other: str) -> bool:
    first, second = ip_network(one), ip_network(other)
    return first.version == second.version and bool(first.overlaps(second))
