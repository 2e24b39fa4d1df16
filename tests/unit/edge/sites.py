# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Domains for tests of their picture and their status: small ones, and one as large as a picture has to be."""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import Entry, Ledger
from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan, runner_plan
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.gathered import Told, site_of
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.data import drift_data, to_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.topology import topology
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS, PEER, ROUTER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.site import SiteStatus
from ansible_collections.weft.overlay.plugins.module_utils.model.status import (
    FRESH,
    STALE,
    Carried,
    Drift,
    HostStatus,
    PeerStatus,
    PlanStamp,
    TunnelStatus,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Peer
from tests.unit.diff.worlds import OVERLAYS

NOW = 1_800_000_000


def key(word: str) -> str:
    """A public key of its own for each word."""
    return hashlib.sha256(word.encode()).hexdigest()[:43] + "="


def server_plan(host: str, role: str, link: str, net: int, clients: list[str], managed: dict[str, str]) -> HostPlan:
    """managed: peers that are hosts, each with what it is called."""
    names = [*managed.values(), *clients]
    keys = [*(key(name) for name in managed), *(key(f"{host}/{name}") for name in clients)]
    peers = [
        Peer(link, public, name, (f"10.8.{net}.{number}/32",), 25)
        for number, (public, name) in enumerate(zip(keys, names, strict=True), start=2)
    ]
    return HostPlan(
        host,
        role,
        links=(Link(link, WIREGUARD, "", "", 1420),),
        devices=(Device(link, key(host), 51820),),
        peers=tuple(peers),
        addresses=(Address(link, f"10.8.{net}.1/24"),),
    )


def peer_plan(host: str, role: str, server: str, net: int, number: int) -> HostPlan:
    return HostPlan(
        host,
        role,
        links=(Link("wg0", WIREGUARD, "", "", 1420),),
        devices=(Device("wg0", key(host)),),
        peers=(Peer("wg0", key(server), server, (f"10.8.{net}.0/24",), 25, endpoint="192.0.2.1:51820"),),
        addresses=(Address("wg0", f"10.8.{net}.{number}/32"),),
    )


def plans_of(runners: int, clients: int) -> dict[str, HostPlan]:
    """A hub with runners; a router with two thirds of the clients and a managed peer; a NAS with the rest, and the
    first runner is a peer of it too."""
    spokes = tuple(Spoke(f"runner{number}", number, f"192.0.2.{number}", 1450) for number in range(1, runners + 1))
    found = {"hub1": hub_plan(OVERLAYS[0], "hub1", "192.0.2.250", spokes)}
    found.update({spoke.host: runner_plan(OVERLAYS[0], spoke, "hub1", "192.0.2.250") for spoke in spokes})
    names = [f"client{number}" for number in range(1, clients + 1)]
    share = clients * 2 // 3
    found["router1"] = server_plan("router1", ROUTER, "wg0", 0, names[:share], {"peer1": "far-machine"})
    found["nas1"] = server_plan("nas1", NAS, "wg1", 1, names[share:], {"runner1": "builder"} if runners else {})
    found["peer1"] = peer_plan("peer1", PEER, "router1", 0, 2)
    if runners:
        more = peer_plan("runner1", PEER, "nas1", 1, 2)
        found["runner1"] = found["runner1"]._replace(
            links=found["runner1"].links + more.links,
            devices=more.devices,
            peers=more.peers,
            addresses=found["runner1"].addresses + more.addresses,
        )
    return found


def status_of_plan(plan: HostPlan, number: int) -> HostStatus:
    """As planned; every third client is away."""
    return HostStatus(
        plan.host,
        plan.role,
        NOW,
        PlanStamp("d" * 64, NOW - 3600),
        Drift(),
        f"198.18.0.{number}",
        peers=tuple(
            PeerStatus(
                peer.link,
                peer.name,
                peer.public_key[:8] + "…",
                "198.51.100.7:4711",
                NOW - (60 if place % 3 else 90000),
                FRESH if place % 3 else STALE,
                True,
                1024,
                2048,
                peer.allowed_ips,
            )
            for place, peer in enumerate(plan.peers, start=1)
        ),
        tunnels=tuple(
            TunnelStatus(
                link.name, link.alias[5:], link.remote or "", link.vni, link.mtu, up=True, carried=Carried(10, 20)
            )
            for link in plan.links
            if link.vni
        ),
    )


def told_of(plans: dict[str, HostPlan]) -> dict[str, Told]:
    """What a run registers where all is well; tests spoil it."""
    hosts = sorted(plans)
    statuses = {host: status_of_plan(plans[host], number) for number, host in enumerate(hosts, start=1)}
    probes = topology(plans, {host: status.address for host, status in statuses.items()}).probes
    return {
        host: Told(
            asked=True,
            status={"status": to_data(statuses[host]), "intent": drift_data(Drift())},
            probed={"answers": [answer_to(one) for one in probes[host]]},
        )
        for host in hosts
    }


def answer_to(probe: Any, **fields: Any) -> dict[str, Any]:
    mtu = 1500 if probe.way == "underlay" else 1420 if probe.way.startswith("wireguard") else 1450
    return {**probe._asdict(), "answered": True, "milliseconds": 0.5, "mtu": mtu, "words": "", **fields}


def ledger_of(plans: dict[str, HostPlan]) -> Ledger:
    runners = {host: Entry(int(host.removeprefix("runner")), None) for host in plans if host.startswith("runner")}
    return Ledger({**runners, "hub1": Entry(None, None)})


def site(runners: int = 2, clients: int = 3, spoil: Any = None) -> SiteStatus:
    """spoil: is called with what the run registered, by host, before it is put together."""
    plans = plans_of(runners, clients)
    told = told_of(plans)
    if spoil is not None:
        spoil(told)
    return site_of(plans, ledger_of(plans), told, NOW)
