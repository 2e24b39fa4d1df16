# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Intent, inventory and what was seen of the hosts, compiled into a plan for every host; nothing is contacted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..intent.domain import Intent
from ..intent.overlay import Overlay
from ..model.errors import Fault
from ..model.facts import Facts
from ..model.marks import host_of
from ..model.plan import HostPlan
from .allocation import Allocation, Claim, allocate
from .inventory import DEFAULT, OVERLAY, Host, Inventory
from .ledger import Entry, Ledger
from .overlay import Spoke, hub_plan, isolated_plan, runner_plan
from .underlay import Place, mtu_faults, overlay_faults, places, tunnel_mtu


class Compiled(NamedTuple):
    """plans: by host name, for every host of the overlay. notes: for the reader. With faults, plans is not whole."""

    plans: dict[str, HostPlan]
    ledger: Ledger
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


class Run(NamedTuple):
    """facts: of the hosts that were asked. offline: nobody was asked on purpose. allow_empty: the removal of the last
    runner is meant."""

    facts: Mapping[str, Facts]
    offline: bool = False
    allow_empty: bool = False


def compile_domain(intent: Intent, inventory: Inventory, ledger: Ledger, run: Run) -> Compiled:
    """Plans for every host. The same arguments give the same plans, byte for byte."""
    if intent.overlay is None:
        return Compiled({}, ledger, ("the intent declares no overlay: nothing is planned",), ())
    overlay = intent.overlay
    found, faults = places(inventory, run.facts, ledger)
    faults += overlay_faults(overlay, found) + mtu_faults(overlay, found)
    members = [_with_place(runner, found) for runner in inventory.runners if runner.mode == OVERLAY]
    hub = inventory.hub
    live = list(_claims_of_hub(overlay, run.facts.get(hub.name), ledger)) if hub else []
    faults += _vanished(inventory, live, ledger, run)
    fresh = run.offline or hub is None or hub.name in run.facts
    own = list(_claims_of_runners(overlay, members, run.facts))
    allocation = allocate(tuple(members), live, own, ledger, overlay.runner_count(), fresh)
    faults += allocation.faults
    notes: list[str] = []
    spokes = tuple(_spokes(overlay, inventory, members, found, allocation, notes))
    plans = _plans(overlay, inventory, found, spokes)
    return Compiled(plans, _ledger(inventory, found, allocation), tuple(notes), tuple(faults))


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


def _vanished(inventory: Inventory, live: list[Claim], ledger: Ledger, run: Run) -> list[Fault]:
    """An inventory that lost its runners must not take the overlay down with it."""
    had = {claim.host for claim in live} | {name for name, entry in ledger.hosts.items() if entry.runner_id}
    if inventory.runners or not had or run.allow_empty:
        return []
    message = (
        f"the group is empty, but {', '.join(sorted(had))} had runner ids; "
        "if all of them are really to go, run with -e weft_allow_empty=true"
    )
    return [Fault("inventory", "runners", message)]


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


def _ledger(inventory: Inventory, found: Mapping[str, Place], allocation: Allocation) -> Ledger:
    """Who holds what after this run, in the order of names."""
    hosts = {
        name: Entry(number, found[name].address, found[name].mtu)
        for name, number in allocation.ids.items()
        if name in found
    }
    if inventory.hub is not None and inventory.hub.name in found:
        place = found[inventory.hub.name]
        hosts[inventory.hub.name] = Entry(None, place.address, place.mtu)
    return Ledger(dict(sorted(hosts.items())), allocation.released)
