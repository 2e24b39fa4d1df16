# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The WireGuard link that the overlay's tunnels run in, where the underlay is not to be trusted.

The hub has the first address of its network and runner N the N-th after that; a runner has one peer, the hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..intent.carrier import Carrier
from ..model.address import Address
from ..model.link import WIREGUARD, Link
from ..model.marks import alias_of
from ..model.plan import HUB, RUNNER, HostPlan
from ..model.wireguard import UNMADE, Device, Peer
from .keys import Ends, KeysWanted, ends_of_link
from .ledger import ClientEntry, LinkEntry
from .overlay import Spoke
from .preshared import Side, agreed
from .subnets import carrier_address
from .underlay import Place, carrier_mtu
from .world import Findings, World

# Seconds. A runner may be behind NAT, which forgets a UDP flow sooner than the tunnel is quiet.
_KEEPALIVE = 25


class Strand(NamedTuple):
    """One end of the carrier. number: the runner's id, 0: the hub. ends: its public keys. mtu: of its link.

    preshared: of a runner, whether it and the hub have the same preshared key.
    """

    host: str
    number: int
    underlay: str
    ends: Ends
    mtu: int
    preshared: bool = False


def strands_of(
    carrier: Carrier, hub: str, spokes: tuple[Spoke, ...], found: Mapping[str, Place], world: World, findings: Findings
) -> tuple[Strand, ...]:
    """The hub's first. found: where the hosts are."""
    remembered = world.ledger.carrier if world.ledger.carrier.server == hub else LinkEntry()
    own = _ends(carrier, hub, remembered.ends, world, findings)
    strands = [Strand(hub, 0, found[hub].address, own, carrier_mtu(found[hub]))]
    for spoke in spokes:
        entry = remembered.clients.get(spoke.host, ClientEntry(()))
        ends = _ends(carrier, spoke.host, entry.ends, world, findings)
        near = Side(hub, world.run.facts.get(hub), own)
        far = Side(spoke.host, world.run.facts.get(spoke.host), ends)
        preshared = agreed(carrier.link, near, far, entry.preshared, findings)
        mtu = min(strands[0].mtu, carrier_mtu(found[spoke.host]))
        strands.append(Strand(spoke.host, spoke.runner_id, spoke.underlay, ends, mtu, preshared))
    return tuple(strands)


def _ends(carrier: Carrier, host: str, remembered: Ends, world: World, findings: Findings) -> Ends:
    facts = world.run.facts.get(host)
    ends = ends_of_link(facts, carrier.link, remembered, world.shaken)
    if ends.key is None and facts is not None:
        findings.wish(host, KeysWanted(links=(carrier.link,)))
    elif ends.key is None and not world.run.offline:
        findings.notes.append(f"{host} has no key for {carrier.link} yet and did not answer; its tunnel waits for it")
    return ends


def carrier_entry(carrier: Carrier, strands: tuple[Strand, ...]) -> LinkEntry:
    """What the ledger is to remember."""
    hub, *runners = strands
    clients = {
        runner.host: ClientEntry((carrier_address(carrier.cidr, runner.number),), runner.ends, 0, runner.preshared)
        for runner in sorted(runners)
    }
    return LinkEntry(hub.host, hub.ends, 0, clients)


def carrier_parts(carrier: Carrier, strands: tuple[Strand, ...]) -> Iterator[HostPlan]:
    """Of the hub and of each runner. A peer whose key nobody knows yet is left out; its tunnel is planned all the same
    and works as soon as it has one."""
    hub, *runners = strands
    peers = tuple(_runner_peer(carrier, runner) for runner in runners if runner.ends.key is not None)
    yield _part(carrier, hub, HUB, carrier.port, peers)
    for runner in runners:
        peer = (_hub_peer(carrier, hub, runner),) if hub.ends.key is not None else ()
        yield _part(carrier, runner, RUNNER, 0, peer)


def _part(carrier: Carrier, strand: Strand, role: str, port: int, peers: tuple[Peer, ...]) -> HostPlan:
    prefix = carrier.cidr.rpartition("/")[2]
    return HostPlan(
        host=strand.host,
        role=role,
        space=(carrier.cidr,),
        links=(Link(carrier.link, WIREGUARD, alias_of(strand.host), "", strand.mtu),),
        addresses=(Address(carrier.link, f"{carrier_address(carrier.cidr, strand.number)}/{prefix}"),),
        devices=(Device(carrier.link, strand.ends.key or UNMADE, port),),
        peers=peers,
    )


def _runner_peer(carrier: Carrier, runner: Strand) -> Peer:
    return Peer(
        link=carrier.link,
        public_key=runner.ends.key or UNMADE,
        name=runner.host,
        allowed_ips=(f"{carrier_address(carrier.cidr, runner.number)}/32",),
        preshared=runner.preshared,
        successor=runner.ends.following,
    )


def _hub_peer(carrier: Carrier, hub: Strand, runner: Strand) -> Peer:
    address = f"[{hub.underlay}]" if ":" in hub.underlay else hub.underlay
    return Peer(
        link=carrier.link,
        public_key=hub.ends.key or UNMADE,
        name=hub.host,
        allowed_ips=(f"{carrier_address(carrier.cidr, 0)}/32",),
        keepalive=_KEEPALIVE,
        preshared=runner.preshared,
        endpoint=f"{address}:{carrier.port}",
        successor=hub.ends.following,
    )
