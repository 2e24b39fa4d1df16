# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nobody takes away the way that he came by: a run that reaches a host through a WireGuard link of ours is held against
the plan before it is carried out. Who comes by a link of the host's own is not concerned: weft leaves that one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network

from ..intent.hostname import is_address
from ..model.errors import Fault
from ..model.facts import Facts
from ..model.plan import HostPlan
from ..model.policy import DENY, PROTOCOLS, PolicyMaps
from .policy.explain import Explainer

_WAY_OUT = "run from somewhere else, or leave that way open"


def lockout_faults(
    plans: Mapping[str, HostPlan], facts: Mapping[str, Facts], maps: PolicyMaps | None
) -> tuple[Fault, ...]:
    """What plans would do to the connections that this run came by. maps: of the whole domain."""
    explainer = Explainer(maps) if maps is not None else None
    return tuple(
        Fault(host, "ssh session", f"this run comes by {link}, from {client}, and {reason}; {_WAY_OUT}")
        for host, plan in sorted(plans.items())
        if host in facts
        for client, link, reached_at in _sessions(facts[host])
        if (
            reason := _gate(client, link, plan, reached_at)
            or _verdict(explainer, client, reached_at, facts[host].reached_on)
        )
    )


def _sessions(known: Facts) -> Iterator[tuple[str, str, str]]:
    """(client, link, own end) of those that come by a link of ours. sshd says UNKNOWN of ends it does not know."""
    if known.reached_at is not None and is_address(known.reached_at):
        for client in filter(is_address, known.foreign.clients):
            link = _way(client, known)
            if link is not None:
                yield client, link, known.reached_at


def _way(client: str, known: Facts) -> str | None:
    """The link of ours that leads to an address; None: the host has a nearer way of its own."""
    others = [uplink.address for uplink in known.foreign.uplinks]
    others += [route.destination for route in known.foreign.routes]
    length, link = max(((_nearest(client, peer.allowed_ips), peer.link) for peer in known.peers), default=(-1, ""))
    return link if length > _nearest(client, others) else None


def _nearest(address: str, prefixes: Iterable[str]) -> int:
    """The length of the longest of the prefixes that an address is in; -1: it is in none."""
    own = ip_address(address)
    networks = (ip_network(prefix, strict=False) for prefix in prefixes)
    return max((network.prefixlen for network in networks if own in network), default=-1)


def _gate(client: str, link: str, plan: HostPlan, reached_at: str) -> str:
    """What of links, peers, addresses and profiles is in the way; "": nothing."""
    if _nearest(client, [prefix for peer in plan.peers if peer.link == link for prefix in peer.allowed_ips]) < 0:
        return "the plan has no peer there with this address"
    own = {address.address.partition("/")[0] for address in plan.addresses if address.link == link}
    access = next((gate for gate in plan.accesses if gate.link == link), None)
    if access is None:
        return ""
    if _nearest(reached_at, access.subnets) >= 0 and reached_at not in own:
        return f"the plan takes {reached_at} away"
    reach = next((reach for reach in access.reaches if client in reach.clients), None)
    if reach is None or not reach.host:
        return "its profile does not let it reach this host any more"
    return ""


def _verdict(explainer: Explainer | None, client: str, reached_at: str, port: int) -> str:
    """What policies say to a new connection; there is no other kind once they are in force."""
    if explainer is None:
        return ""
    for found in explainer.explain(client, reached_at, PROTOCOLS["TCP"], port):
        if found.verdict == DENY and not found.observed:
            by = f" by {found.rule.path()}" if found.rule is not None else ""
            return f"policies deny TCP {port} to {reached_at}{by}"
    return ""
