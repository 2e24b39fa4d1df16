# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the ledger remembers beside what hosts have: a number that is another one was handed out twice, or got lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...compile.ledger import Ledger
from ...model.link import VXLAN
from ...model.marks import ALIAS_PREFIX
from ...model.plan import HUB, HostPlan
from ...model.site import HostReport, Number
from ...model.status import ABSENT


def numbers(ledger: Ledger, plans: Mapping[str, HostPlan], hosts: Mapping[str, HostReport]) -> tuple[Number, ...]:
    """Only of hosts that answered: what was not seen is not another number."""
    return (*_runners(ledger, plans, hosts), *_clients(ledger, hosts))


def _runners(ledger: Ledger, plans: Mapping[str, HostPlan], hosts: Mapping[str, HostReport]) -> Iterator[Number]:
    """VNIs follow from the runners' ids; the plan was compiled with those of the ledger, so it knows by how much."""
    planned = {
        link.alias[len(ALIAS_PREFIX) :]: link.vni
        for plan in plans.values()
        if plan.role == HUB
        for link in plan.links
        if link.kind == VXLAN
    }
    offsets = {
        vni - entry.runner_id
        for runner, entry in ledger.hosts.items()
        if entry.runner_id is not None and (vni := planned.get(runner))
    }
    base = min(offsets, default=0)
    for name, host in sorted(hosts.items()):
        if host.status is None or not base:
            continue
        for tunnel in host.status.tunnels:
            runner = tunnel.far if host.role == HUB else name
            entry = ledger.hosts.get(runner)
            remembered = "" if entry is None or entry.runner_id is None else str(entry.runner_id)
            yield Number(f"runner id, as {name} has it", runner, remembered, str(tunnel.vni - base))


def _clients(ledger: Ledger, hosts: Mapping[str, HostReport]) -> Iterator[Number]:
    for link, entry in sorted(ledger.interfaces.items()):
        host = hosts.get(entry.server)
        if host is None or host.status is None:
            continue
        living = {
            peer.name: tuple(sorted(prefix.partition("/")[0] for prefix in peer.addresses))
            for peer in host.status.peers
            if (peer.link, bool(peer.name)) == (link, True) and peer.state != ABSENT and peer.addresses
        }
        for name, client in sorted(entry.clients.items()):
            if name in living:
                remembered, seen = " ".join(sorted(client.addresses)), " ".join(living[name])
                yield Number(f"addresses on {link}", name, remembered, seen)
        for name in sorted(set(living) - set(entry.clients)):
            yield Number(f"addresses on {link}", name, "", " ".join(living[name]))
