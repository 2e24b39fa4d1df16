# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The overlay as a whole: who is in it, with which id and on what underlay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..intent.overlay import Overlay
from ..model.facts import Facts
from ..model.marks import host_of
from ..model.plan import HostPlan
from .allocation import Allocation, Claim, allocate
from .carrier import carrier_entry, carrier_parts, strands_of
from .guard import vanished_runners
from .inventory import DEFAULT, OVERLAY, Host, Inventory
from .leaving import returned
from .ledger import Entry, Ledger, LinkEntry
from .overlay import Spoke, hub_plan, isolated_plan, runner_plan
from .underlay import Place, mtu_faults, overlay_faults, places, tunnel_mtu
from .world import Findings, World


class Spokes(NamedTuple):
    """plans: by host. carried: what the hosts have besides for the link that the tunnels run in. ledger: as it is to be
    remembered."""

    plans: dict[str, HostPlan]
    carried: tuple[HostPlan, ...]
    ledger: Ledger


def compile_overlay(overlay: Overlay, world: World, findings: Findings) -> Spokes:
    inventory, ledger, run = world.inventory, world.ledger, world.run
    found, faults = places(inventory, run.facts, ledger)
    faults += overlay_faults(overlay, found) + mtu_faults(overlay, found)
    members = [_with_place(runner, found) for runner in inventory.runners if runner.mode == OVERLAY]
    hub = inventory.hub
    live = list(_claims_of_hub(overlay, run.facts.get(hub.name), ledger)) if hub else []
    if not run.allow_empty:
        faults += vanished_runners(inventory, live, ledger, run.leaving)
    fresh = run.offline or hub is None or hub.name in run.facts
    own = list(_claims_of_runners(overlay, members, run.facts))
    allocation = allocate(tuple(members), live, own, ledger, overlay.runner_count(), fresh)
    findings.faults += [*faults, *allocation.faults]
    written = {runner.name: runner.address_at for runner in members}
    findings.notes += returned(allocation.ids, ledger.released, written)
    spokes = tuple(_spokes(overlay, inventory, members, found, allocation, findings.notes))
    ledger = ledger._replace(hosts=_entries(inventory, found, allocation), released=allocation.released)
    plans = _plans(overlay, inventory, found, spokes)
    if overlay.carrier is None or hub is None or hub.name not in found:
        return Spokes(plans, (), ledger._replace(carrier=LinkEntry()))
    in_order = tuple(sorted(spokes, key=lambda spoke: spoke.runner_id))
    strands = strands_of(overlay.carrier, hub.name, in_order, found, world, findings)
    carried = tuple(carrier_parts(overlay.carrier, strands))
    return Spokes(plans, carried, ledger._replace(carrier=carrier_entry(overlay.carrier, strands)))


def _with_place(runner: Host, found: Mapping[str, Place]) -> Host:
    place = found.get(runner.name)
    return runner._replace(underlay=place.address) if place else runner


def _claims_of_hub(overlay: Overlay, facts: Facts | None, ledger: Ledger) -> Iterator[Claim]:
    """The name of a tunnel says its id. Where names.hub_tunnel was changed its VNI does, unless the ledger knows:
    overlay.base_vni may have been changed with it."""
    for tunnel in facts.tunnels if facts else ():
        host = host_of(tunnel.alias) or ""
        number = _number_in(tunnel.name, overlay.names.hub_tunnel)
        if number is None and host not in ledger.hosts:
            number = (tunnel.vni or 0) - overlay.base_vni
        if number is not None and 1 <= number <= overlay.runner_count():
            yield Claim(host, number, tunnel.remote)


def _claims_of_runners(overlay: Overlay, members: list[Host], facts: Mapping[str, Facts]) -> Iterator[Claim]:
    for runner in members:
        for tunnel in facts[runner.name].tunnels if runner.name in facts else ():
            number = (tunnel.vni or 0) - overlay.base_vni
            if tunnel.name == overlay.names.runner_tunnel and 1 <= number <= overlay.runner_count():
                yield Claim(runner.name, number, runner.underlay)


def _number_in(name: str, prefix: str) -> int | None:
    """12 for vxkr12; None for any other spelling."""
    digits = name[len(prefix) :] if name.startswith(prefix) else ""
    plain = digits.isascii() and digits.isdigit() and not digits.startswith("0")
    return int(digits) if plain else None


def _spokes(
    overlay: Overlay,
    inventory: Inventory,
    members: list[Host],
    found: Mapping[str, Place],
    allocation: Allocation,
    notes: list[str],
) -> Iterator[Spoke]:
    hub = found.get(inventory.hub.name) if inventory.hub else None
    for runner in members:
        place, number = found.get(runner.name), allocation.ids.get(runner.name)
        if hub is None or place is None or number is None:
            continue
        mtu, known = tunnel_mtu(overlay, hub, place)
        if not known and not overlay.mtu:
            notes.append(f"{runner.name}: MTU {mtu} assumes an underlay of 1500; nobody has seen both ends yet")
        yield Spoke(runner.name, number, place.address, mtu)


def _plans(
    overlay: Overlay, inventory: Inventory, found: Mapping[str, Place], spokes: tuple[Spoke, ...]
) -> dict[str, HostPlan]:
    plans = {host.name: isolated_plan(overlay, host.name) for host in inventory.runners if host.mode == DEFAULT}
    hub = inventory.hub
    if hub is not None and hub.name in found:
        address = found[hub.name].address
        plans.update({spoke.host: runner_plan(overlay, spoke, hub.name, address) for spoke in spokes})
        in_order = tuple(sorted(spokes, key=lambda spoke: spoke.runner_id))
        plans[hub.name] = hub_plan(overlay, hub.name, address, in_order)
    return dict(sorted(plans.items()))


def _entries(inventory: Inventory, found: Mapping[str, Place], allocation: Allocation) -> dict[str, Entry]:
    """Who holds what after this run, in the order of names."""
    hosts = {
        name: Entry(number, found[name].address, found[name].mtu)
        for name, number in allocation.ids.items()
        if name in found
    }
    if inventory.hub is not None and inventory.hub.name in found:
        place = found[inventory.hub.name]
        hosts[inventory.hub.name] = Entry(None, place.address, place.mtu)
    return dict(sorted(hosts.items()))
