# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What foreign state on a host stands where its plan wants to build. Found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import state as kinds
from ..model.errors import Fault
from ..model.firewall import FIREWALLD
from ..model.link import VXLAN, WIREGUARD, Link
from ..model.plan import HostPlan
from ..model.state import Foreign, Observed
from .docker import network_faults
from .policy import policy_faults
from .prefix import covers, is_default, network, overlap
from .rule import rule_faults
from .wireguard import wireguard_faults


def conflicts(plan: HostPlan, observed: Observed) -> tuple[Fault, ...]:
    """Every conflict, each naming the foreign object and the way out; empty when the plan can be built."""
    foreign = observed.foreign
    found = [*_links(plan, foreign), *_space(plan, foreign), *network_faults(plan, foreign), *_zone(plan, observed)]
    found += [
        *_refusals(plan, foreign),
        *foreign.faults,
        *wireguard_faults(plan, observed),
        *rule_faults(plan, foreign),
        *policy_faults(plan, observed),
    ]
    return tuple(Fault(plan.host, subject, message) for subject, message in found)


def _links(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    names = {link.name: link for link in foreign.links}
    tunnels = {(link.vni, link.port): link for link in foreign.links if link.kind == VXLAN}
    for link in plan.links:
        if link.name in names:
            yield (
                f"{kinds.LINK} {link.name}",
                (
                    f"exists and was not made by weft ({names[link.name].kind}); remove or rename it, "
                    f"or choose another name in {_naming(plan, link)}"
                ),
            )
        holder = tunnels.get((link.vni, link.port)) if link.kind == VXLAN else None
        if holder is not None and holder.name != link.name:
            yield (
                f"{kinds.LINK} {holder.name}",
                (
                    f"holds VNI {link.vni} on UDP {link.port}, which {link.name} needs, and was not made by weft; "
                    "remove it, or choose another overlay.base_vni or overlay.port"
                ),
            )


def _naming(plan: HostPlan, link: Link) -> str:
    """The part of the intent that calls the link so."""
    if link.kind != WIREGUARD:
        return "overlay.names"
    return "overlay.carrier" if plan.firewall and link.name == plan.firewall.carrier else "interfaces"


def _refusals(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """Rules that refuse all of the overlay. What they refuse only a part of it for is an operator's policy."""
    forwarded = [plan.firewall.cidr] if plan.firewall else []
    forwarded += [subnet for access in plan.accesses for subnet in access.subnets]
    for refusal in foreign.refusals:
        if any(all(prefix is None or covers(prefix, cidr) for prefix in refusal[1:]) for cidr in forwarded):
            message = "refuses forwarding before weft's own rules are reached; move it below them, or into DOCKER-USER"
            yield refusal.rule, message


def _zone(plan: HostPlan, observed: Observed) -> Iterator[tuple[str, str]]:
    if observed.capabilities.firewall != FIREWALLD:
        return
    zones = observed.foreign.zones
    wanted = {plan.firewall.zone} if plan.firewall else set()
    for zone in sorted((wanted | {access.zone for access in plan.accesses}) - set(zones)):
        yield f"firewalld zone {zone}", f"does not exist here; create it, or name one of {', '.join(sorted(zones))}"


def _space(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    for space, field in _spaces(plan, foreign):
        for uplink in foreign.uplinks:
            if overlap(space, uplink.address):
                yield (
                    f"address {uplink.address} on {uplink.link}",
                    f"overlaps {space}; choose an {field} that no host uses",
                )
        connected = {(uplink.link, network(uplink.address)) for uplink in foreign.uplinks}
        for route in foreign.routes:
            direct = (route.link, route.destination) in connected
            if not is_default(route.destination) and not direct and overlap(space, route.destination):
                through = f" on {route.link}" if route.link else ""
                yield (
                    f"{kinds.ROUTE} {route.destination}{through}",
                    f"overlaps {space} and was not made by weft; remove it or choose another {field}",
                )
        for client in foreign.clients:
            if overlap(space, client):
                yield (
                    f"ssh session from {client}",
                    f"comes from within {space}: its replies would be cut off; choose another {field}",
                )


def _spaces(plan: HostPlan, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """Prefixes that the plan takes for itself, each with the field that chose it. A network that Docker keeps on a
    bridge of its own making is not in its own way once it stands."""
    standing = {seen.network.subnet for seen in foreign.networks if seen.ours}
    for space in plan.space:
        carries = plan.firewall is not None and plan.firewall.carrier is not None and space != plan.firewall.cidr
        yield space, "overlay.carrier.cidr" if carries else "overlay.cidr"
    for made in plan.networks:
        if made.bridge is None and made.subnet not in standing:
            yield made.subnet, "overlay.isolated_cidr"
