# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One compilation on the controller, from files and facts to plans in the build folder. Knows nothing of Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..compile.domain import Compiled, Run, compile_domain
from ..compile.inventory import Places
from ..compile.inventory import read as read_inventory
from ..diff.conflicts import conflicts
from ..diff.desired import desired
from ..diff.docker import network_changes
from ..diff.objects import changes
from ..model.change import Change
from ..model.docker import DockerNetwork
from ..model.errors import IntentError
from ..model.facts import Facts
from ..model.plan import HostPlan
from ..model.state import Capabilities, Observed
from .project import Project, read_intent, read_ledger, read_plans, write_ledger, write_plans


class Members(NamedTuple):
    """The inventory's hosts with their variables, by group; places: where a variable was written."""

    hubs: Mapping[str, Mapping[str, Any]]
    runners: Mapping[str, Mapping[str, Any]]
    places: Places | None = None


class Mode(NamedTuple):
    """offline: nobody was asked. keep: whether the ledger is written (not in check mode, not for a plan alone)."""

    offline: bool = False
    allow_empty: bool = False
    keep: bool = True


class Result(NamedTuple):
    """changes: of each host against its plan of the run before. networks: what each host's Docker needs."""

    compiled: Compiled
    changes: dict[str, tuple[Change, ...]]
    networks: dict[str, dict[str, Any]]
    ledger_written: bool


def compile_project(project: Project, members: Members, facts: Mapping[str, Facts], mode: Mode) -> Result:
    """Raises IntentError with every fault of intent, inventory and hosts, before anything is written."""
    inventory, faults = read_inventory(members.hubs, members.runners, members.places)
    try:
        intent, ledger = read_intent(project.intent), read_ledger(project.ledger)
    except IntentError as error:
        raise IntentError((*error.faults, *faults)) from error
    compiled = compile_domain(intent, inventory, ledger, Run(facts, mode.offline, mode.allow_empty))
    faults += compiled.faults
    for host, plan in compiled.plans.items():
        if host in facts:
            faults += conflicts(plan, Observed(facts[host].capabilities, {}, facts[host].foreign))
    if faults:
        raise IntentError(tuple(dict.fromkeys(faults)))
    before = read_plans(project.build)
    write_plans(project.build, compiled.plans)
    written = write_ledger(project.ledger, compiled.ledger) if mode.keep else False
    return Result(compiled, _changes(before, compiled.plans), _networks(compiled.plans, facts), written)


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


def _attributes(network: DockerNetwork) -> dict[str, Any]:
    return {**network._asdict(), "reserved": list(network.reserved)}
