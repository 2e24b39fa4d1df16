# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One compilation on the controller, from files and facts to plans in the build folder. Knows nothing of Ansible."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from ..compile.domain import Compiled, compile_domain
from ..compile.inventory import Others, Places
from ..compile.inventory import read as read_inventory
from ..compile.keys import KeysWanted
from ..compile.lineage import Lineage, advanced, digest_of, lineage_faults, overtaking
from ..compile.lockout import lockout_faults
from ..compile.world import Run
from ..diff.conflicts import conflicts
from ..diff.desired import desired
from ..diff.docker import network_changes
from ..diff.objects import changes
from ..model.change import Change
from ..model.docker import DockerNetwork
from ..model.errors import Fault, IntentError
from ..model.facts import Facts
from ..model.plan import HostPlan
from ..model.state import Capabilities, Observed
from .names import resolution_faults
from .project import Project, read_intent, read_ledger, read_plans, write_ledger, write_plans, write_policy
from .tools import lacking


class Members(NamedTuple):
    """The inventory's hosts with their variables, by group; places: where a variable was written. others: the groups
    whose hosts have no variables of ours."""

    hubs: Mapping[str, Mapping[str, Any]]
    runners: Mapping[str, Mapping[str, Any]]
    places: Places | None = None
    others: Others | None = None


class Mode(NamedTuple):
    """offline: nobody was asked. keep: whether the ledger is written (not in check mode, not for a plan alone).
    resolve: whether names of endpoints are looked up; offline, they are not. new_keys: servers that lost their keys and
    are to have others. force: whatever intent the hosts have, this one takes its place. leaving, disconnect, mute: as
    compile/world.py has them."""

    offline: bool = False
    allow_empty: bool = False
    keep: bool = True
    resolve: bool = True
    new_keys: Collection[str] = ()
    force: bool = False
    leaving: Collection[str] = ()
    disconnect: bool = False
    mute: Collection[str] = ()

    def run(self, facts: Mapping[str, Facts]) -> Run:
        names = (frozenset(self.new_keys), frozenset(self.leaving), self.disconnect, frozenset(self.mute))
        return Run(facts, self.offline, self.allow_empty, *names)


class Result(NamedTuple):
    """changes: of each host against its plan of the run before. networks: what each host's Docker needs. wanting: by
    host, commands for WireGuard that it lacks. leaving: runners that go, and where the inventory still has them."""

    compiled: Compiled
    changes: dict[str, tuple[Change, ...]]
    networks: dict[str, dict[str, Any]]
    wanting: dict[str, list[str]]
    ledger_written: bool
    leaving: dict[str, str]


def compile_project(project: Project, members: Members, facts: Mapping[str, Facts], mode: Mode) -> Result:
    """Raises IntentError with every fault of intent, inventory and hosts, before anything is written."""
    inventory, faults = read_inventory(members.hubs, members.runners, members.places, members.others)
    try:
        intent, ledger = read_intent(project.intent), read_ledger(project.ledger)
    except IntentError as error:
        raise IntentError((*error.faults, *faults)) from error
    compiled = compile_domain(intent, inventory, ledger, mode.run(facts))
    faults += compiled.faults
    if mode.resolve and not mode.offline:
        faults += resolution_faults(intent)
    for host, plan in compiled.plans.items():
        if host in facts:
            faults += conflicts(plan, Observed(facts[host].capabilities, {}, facts[host].foreign))
    faults += lockout_faults(compiled.plans, facts, compiled.policy)
    lineage, objections = _lineage(ledger.lineage, compiled.plans, facts, mode.force)
    faults += objections
    if faults:
        raise IntentError(tuple(dict.fromkeys(faults)))
    compiled = compiled._replace(ledger=compiled.ledger._replace(lineage=lineage))
    before = read_plans(project.build)
    write_plans(project.build, compiled.plans)
    write_policy(project.build, compiled.policy)
    written = write_ledger(project.ledger, compiled.ledger) if mode.keep else False
    plans = compiled.plans
    leaving = {host.name: host.address_at for host in inventory.runners if host.name in mode.leaving}
    networks, wanting = _networks(plans, facts), _wanting(compiled, facts)
    return Result(compiled, _changes(before, plans), networks, wanting, written, leaving)


def _lineage(
    known: Lineage, plans: Mapping[str, HostPlan], facts: Mapping[str, Facts], force: bool
) -> tuple[Lineage, tuple[Fault, ...]]:
    """Of the plans, and which hosts have something later."""
    seen = {host: found.last for host, found in facts.items() if found.last is not None}
    ours = advanced(known, digest_of(plans), seen, uuid4().hex[:12])
    if force:
        return overtaking(ours, seen), ()
    return ours, lineage_faults(ours, seen)


def _changes(before: Mapping[str, HostPlan], plans: Mapping[str, HostPlan]) -> dict[str, tuple[Change, ...]]:
    """What the plans say anew, on a host of the usual kind; only a host itself can say what differs there."""
    usual = Capabilities(dummy=True, firewall="iptables-nft")
    return {
        host: changes(desired(plan, usual).state, desired(before[host], usual).state if host in before else {})
        for host, plan in plans.items()
    }


def _networks(plans: Mapping[str, HostPlan], facts: Mapping[str, Facts]) -> dict[str, dict[str, Any]]:
    """Only hosts that were seen: {"runner1": {"remove": [names], "create": [attributes], "unanswered": False}}.

    unanswered: the host needs Docker, and Docker is silent; that host then fails, and no other does.
    """
    found = {}
    for host in sorted(set(plans) & set(facts)):
        todo = network_changes(plans[host], facts[host].foreign)
        found[host] = {
            "remove": list(todo.remove),
            "create": [_attributes(network) for network in todo.create],
            "unanswered": bool(plans[host].networks) and not facts[host].capabilities.docker,
        }
    return found


def _wanting(compiled: Compiled, facts: Mapping[str, Facts]) -> dict[str, list[str]]:
    """Only hosts that were seen, and lack something."""
    found = {
        host: lacking(plan, facts[host], compiled.keys_wanted.get(host, KeysWanted()))
        for host, plan in compiled.plans.items()
        if host in facts
    }
    return {host: commands for host, commands in found.items() if commands}


def _attributes(network: DockerNetwork) -> dict[str, Any]:
    return {**network._asdict(), "reserved": list(network.reserved)}
