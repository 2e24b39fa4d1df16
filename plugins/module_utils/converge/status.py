# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One look at a host and its plan, told for readers: what runs, what is attached, who was heard of last, what ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..diff.drift import shortened
from ..diff.peers import DAY, WARNING_DAYS, peers_at
from ..diff.policy import policed_of
from ..diff.stored import services_of
from ..model import state as kinds
from ..model.link import VXLAN
from ..model.marks import ALIAS_PREFIX
from ..model.plan import HostPlan
from ..model.policy import NO_ATTACHMENT
from ..model.state import Observed
from ..model.status import (
    ABSENT,
    FRESH,
    FRESH_SECONDS,
    NEVER,
    STALE,
    Carried,
    Denied,
    Drift,
    Ending,
    HostStatus,
    PeerStatus,
    PlanStamp,
    PolicedStatus,
    ServiceStatus,
    TunnelStatus,
)
from ..model.stored import Program
from ..model.wireguard import Peer


class Counters(NamedTuple):
    """What was counted on the host. links: by name. peers: octets (received, sent) by link and public key. denied:
    None where nothing judges."""

    links: Mapping[str, Carried] = {}
    peers: Mapping[tuple[str, str], tuple[int, int]] = {}
    denied: tuple[Denied, ...] | None = None


def status_of(
    plan: HostPlan | None, stamp: PlanStamp | None, seen: Observed, drift: Drift, counters: Counters
) -> HostStatus:
    """plan, stamp: both None where the host has none."""
    return HostStatus(
        host=plan.host if plan else "",
        role=plan.role if plan else "",
        now=seen.now,
        plan=stamp,
        drift=drift,
        services=_services(plan, seen) if plan else (),
        policed=_policed(plan, seen) if plan else (),
        peers=_peers(plan, seen, counters),
        tunnels=_tunnels(seen, counters),
        endings=_endings(plan, seen) if plan else (),
        denied=counters.denied,
    )


def _services(plan: HostPlan, seen: Observed) -> tuple[ServiceStatus, ...]:
    running = seen.state.get(kinds.SERVICE, {})
    return tuple(ServiceStatus(one.unit, one.unit in running) for one in services_of(plan, Program("")))


def _policed(plan: HostPlan, seen: Observed) -> tuple[PolicedStatus, ...]:
    found = seen.state.get(kinds.POLICED, {})
    return tuple(
        PolicedStatus(one.interface, one.interface in found and found[one.interface].number != NO_ATTACHMENT)
        for one in policed_of(plan)
    )


def _peers(plan: HostPlan | None, seen: Observed, counters: Counters) -> tuple[PeerStatus, ...]:
    """Those that are there, then those that should be and are not."""
    living = seen.state.get(kinds.PEER, {})
    planned = {peer.key(): peer for peer in peers_at(plan.peers if plan else (), living, seen.now)}
    found = [_peer(peer, planned.get(key), seen.now, counters) for key, peer in sorted(living.items())]
    absent = [peer for key, peer in sorted(planned.items()) if key not in living]
    return (
        *found,
        *(
            PeerStatus(peer.link, peer.name, shortened(peer.public_key), "", 0, ABSENT, bool(peer.keepalive))
            for peer in absent
        ),
    )


def _peer(peer: Peer, planned: Peer | None, now: int, counters: Counters) -> PeerStatus:
    state = NEVER if not peer.handshake else FRESH if now - peer.handshake <= FRESH_SECONDS else STALE
    return PeerStatus(
        peer.link,
        planned.name if planned else "",
        shortened(peer.public_key),
        peer.endpoint or "",
        peer.handshake,
        state,
        bool(peer.keepalive),
        *counters.peers.get((peer.link, peer.public_key), (0, 0)),
        peer.allowed_ips,
    )


def _tunnels(seen: Observed, counters: Counters) -> tuple[TunnelStatus, ...]:
    links = seen.state.get(kinds.LINK, {}).values()
    return tuple(
        TunnelStatus(
            link.name,
            link.alias[len(ALIAS_PREFIX) :],
            link.remote or "",
            link.vni or 0,
            link.mtu,
            link.up,
            counters.links.get(link.name, Carried()),
        )
        for link in sorted(links, key=lambda link: (len(link.name), link.name))
        if link.kind == VXLAN
    )


def _endings(plan: HostPlan, seen: Observed) -> tuple[Ending, ...]:
    """What has ended, or will within WARNING_DAYS; and keys that wait for the first handshake with the next one."""
    living = seen.state.get(kinds.PEER, {})
    clients = [
        Ending("client", peer.name, peer.link, peer.expires)
        for peer in plan.peers
        if peer.expires is not None and peer.expires - seen.now <= WARNING_DAYS * DAY
    ]
    keys = [
        Ending("key", peer.name, peer.link, None)
        for peer in plan.peers
        if peer.successor is not None and not getattr(living.get(f"{peer.link} {peer.successor}"), "handshake", 0)
    ]
    return (*clients, *keys)
