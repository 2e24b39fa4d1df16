# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan as the objects that this very host needs: plan and capabilities in, wanted state out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..model import state as kinds
from ..model.firewall import DirectRule, FirewalldPolicy, Ruleset, ZoneInterface
from ..model.link import BRIDGE, DUMMY, WIREGUARD, ForeignLink, Link
from ..model.origin import Around, Origin
from ..model.plan import HostPlan
from ..model.policed import Objects
from ..model.route import ForeignRoute
from ..model.state import Capabilities, Observed, State, state_of
from ..model.stored import Program
from ..model.sysctl import Sysctl
from ..model.wireguard import Peer
from .borrowed import borrowed
from .firewall.tenants import tenants_of
from .firewall.wanted import desired as firewall_objects
from .gates import gated
from .origins import origins_of, switches_of, written_into
from .peers import expiry_notes, peers_at
from .policy import NO_OBJECTS, policed_of, policies_of
from .stored import files_of, services_of


class Wanted(NamedTuple):
    """state: what must be. notes: what the reader of a report should know about how the plan was met here."""

    state: State
    notes: tuple[str, ...]


class Moment(NamedTuple):
    """What the wanted state depends on besides plan and capabilities: the peers that were seen, by key, the host's
    clock, Unix time; 0: nobody expires; the routes and links of others; switches, what is remembered of before, and
    what of others a plan may come to write into."""

    peers: Mapping[str, Peer] = {}
    now: int = 0
    routes: tuple[ForeignRoute, ...] = ()
    links: tuple[ForeignLink, ...] = ()
    switches: Mapping[str, Sysctl] = {}
    origins: Mapping[str, Origin] = {}
    around: Around = Around()


NOTHING_SEEN = Moment()


def moment_of(observed: Observed) -> Moment:
    state, foreign = observed.state, observed.foreign
    switches, origins = state.get(kinds.SYSCTL, {}), state.get(kinds.ORIGIN, {})
    seen = state.get(kinds.PEER, {})
    return Moment(seen, observed.now, foreign.routes, foreign.links, switches, origins, observed.around)


def desired(
    plan: HostPlan,
    capabilities: Capabilities,
    program: Program | None = None,
    moment: Moment = NOTHING_SEEN,
    objects: Objects = NO_OBJECTS,
) -> Wanted:
    """The wanted state of a host. program None leaves the stored code and files out (a run without persistence).
    objects: the programs that judge, where the plan has a policy."""
    links, notes = _links(plan, capabilities)
    lent = borrowed(plan, moment.routes, moment.links)
    firewall = firewall_objects(
        plan.firewall, plan.accesses, capabilities.firewall, plan.collector, capabilities.ipv6, tenants_of(plan)
    )
    found: dict[str, tuple[Any, ...]] = {
        kinds.POLICY: policies_of(plan, objects),
        kinds.POLICED: policed_of(plan),
        kinds.LINK: links,
        kinds.DEVICE: plan.devices,
        kinds.PEER: peers_at(plan.peers, moment.peers, moment.now),
        kinds.CLIENT: plan.clients,
        kinds.ADDRESS: plan.addresses,
        kinds.ROUTE: plan.routes + lent.routes,
        kinds.RULE: plan.rules,
        kinds.SYSCTL: switches_of(plan, moment.switches),
        kinds.RULESET: tuple(value for value in firewall if isinstance(value, Ruleset)),
        kinds.FIREWALLD_POLICY: tuple(value for value in firewall if isinstance(value, FirewalldPolicy)),
        kinds.DIRECT: tuple(value for value in firewall if isinstance(value, DirectRule)),
        kinds.ZONE: tuple(value for value in firewall if isinstance(value, ZoneInterface)),
    }
    if program is not None:
        found[kinds.PROGRAM] = (program,)
        found[kinds.FILE] = files_of(plan)
        found[kinds.SERVICE] = services_of(plan, program)
    state = state_of(found)
    # A run without persistence leaves nothing on the disk; a boot goes on with what is there.
    if program is not None or moment.origins:
        before = origins_of(plan, moment.switches, moment.origins)
        before += written_into(state, moment.around, plan, moment.origins)
        state.update(state_of({kinds.ORIGIN: before}))
    return Wanted(state, notes + lent.notes + expiry_notes(plan.peers, moment.now))


def _links(plan: HostPlan, capabilities: Capabilities) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Where the kernel has no dummy device, an empty bridge holds the address just as well; where it has no WireGuard,
    wireguard-go does the same by a tun device."""
    notes: list[str] = []
    links, ungated = gated(plan, [_link(link, capabilities, notes) for link in plan.links], capabilities)
    return links, (*notes, *ungated)


def _link(link: Link, capabilities: Capabilities, notes: list[str]) -> Link:
    if link.kind == DUMMY and not capabilities.dummy:
        notes.append(f"{link.name} is an empty bridge: this kernel has no dummy device")
        return link._replace(kind=BRIDGE)
    if link.kind == WIREGUARD and link.userspace is None:
        if not capabilities.wireguard:
            notes.append(f"{link.name} is run by wireguard-go: this kernel has no WireGuard")
        link = link._replace(userspace=not capabilities.wireguard)
    # Processors are wireguard-go's to use; the kernel's own WireGuard has no such setting.
    return link._replace(threads=0) if link.kind == WIREGUARD and not link.userspace else link
