# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan as the objects that this very host needs: plan and capabilities in, wanted state out."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..model import state as kinds
from ..model.firewall import DirectRule, FirewalldPolicy, Ruleset, ZoneInterface
from ..model.link import BRIDGE, DUMMY, Link
from ..model.plan import HostPlan
from ..model.state import Capabilities, State, state_of
from ..model.stored import Program
from .firewall import desired as firewall_objects
from .stored import files_of


class Wanted(NamedTuple):
    """state: what must be. notes: what the reader of a report should know about how the plan was met here."""

    state: State
    notes: tuple[str, ...]


def desired(plan: HostPlan, capabilities: Capabilities, program: Program | None = None) -> Wanted:
    """The wanted state of a host. program None leaves the stored code and files out (a run without persistence)."""
    links, notes = _links(plan, capabilities)
    firewall = firewall_objects(plan.firewall, capabilities.firewall)
    objects: dict[str, tuple[Any, ...]] = {
        kinds.LINK: links,
        kinds.ADDRESS: plan.addresses,
        kinds.ROUTE: plan.routes,
        kinds.SYSCTL: plan.sysctls,
        kinds.RULESET: tuple(value for value in firewall if isinstance(value, Ruleset)),
        kinds.POLICY: tuple(value for value in firewall if isinstance(value, FirewalldPolicy)),
        kinds.DIRECT: tuple(value for value in firewall if isinstance(value, DirectRule)),
        kinds.ZONE: tuple(value for value in firewall if isinstance(value, ZoneInterface)),
    }
    if program is not None:
        objects[kinds.PROGRAM] = (program,)
        objects[kinds.FILE] = files_of(plan)
    return Wanted(state_of(objects), notes)


def _links(plan: HostPlan, capabilities: Capabilities) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Where the kernel has no dummy device, an empty bridge holds the address just as well."""
    if capabilities.dummy:
        return plan.links, ()
    dummies = [link.name for link in plan.links if link.kind == DUMMY]
    links = tuple(link._replace(kind=BRIDGE) if link.kind == DUMMY else link for link in plan.links)
    return links, tuple(f"{name} is an empty bridge: this kernel has no dummy device" for name in dummies)
