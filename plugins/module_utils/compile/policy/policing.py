# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies for plans: who is who in the domain, and on each host that serves others, what its interfaces judge by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from typing import NamedTuple

from ...intent.network import DIRECT
from ...intent.node import below
from ...model.errors import Fault
from ...model.plan import HostPlan
from ...model.policy import TUNNEL, NetworkTag, PolicyMaps
from ..overlay import with_far_end
from .aliases import with_aliases
from .attachments import Speech, lans_of, speech_of
from .expected import failing_tests
from .forwarding import hindered, with_forwarding
from .ground import reach_of
from .host import NO_ENDPOINT, Itself, with_interfaces
from .host_routes import Destinations, host_routes
from .ledger import FIRST_ATTACHMENT, HostNumbers, Remembered, by_name, numbered
from .maps import CompiledPolicy, RunnerPolicy, compile_policy
from .mtu import Tight, mtu_notes
from .places import Placed, Site, placed
from .prefix import Forest, prefix_of
from .shadow_routes import Seen
from .shadow_senders import with_ways
from .tags import ROOM, allocated


class Policing(NamedTuple):
    """maps: of the domain, None: it has no networks. plans: of all hosts. With faults, it is not whole."""

    maps: PolicyMaps | None
    plans: dict[str, HostPlan]
    remembered: Remembered
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def policing(site: Site, remembered: Remembered, *, whole: bool) -> Policing:
    """whole: whether the site has no faults; else only where peers are is looked at."""
    nothing = Policing(None, dict(site.plans), remembered)
    if not site.intent.networks:
        return nothing
    found = placed(site)
    if found.faults or not whole:
        return nothing._replace(faults=found.faults)
    tenancy = site.intent.tenancy()
    compiled = compile_policy(tenancy, found.places, remembered.domain, site.hosts(), site.subnets())
    faults = compiled.faults or failing_tests(compiled.maps, tenancy)
    if faults:
        return nothing._replace(notes=compiled.notes, faults=faults)
    speeches = {host: speech_of(site, host, _seen_by(host, compiled).maps) for host in site.plans}
    hosts = _Hosts(site, compiled, remembered.hosts)
    plans = with_ways({host: hosts.policed(host, speech) for host, speech in speeches.items()}, site, compiled.maps)
    notes = (*compiled.notes, *_unheard(site, found, speeches.values()), *hosts.notes())
    return Policing(compiled.maps, plans, Remembered(compiled.ledger, hosts.numbers), notes, tuple(hosts.faults))


def _seen_by(host: str, compiled: CompiledPolicy) -> RunnerPolicy:
    """Who can be somebody by a label, only a runner has to know."""
    return compiled.runners.get(host) or RunnerPolicy(compiled.maps._replace(speakers=()), ())


class _Hosts:
    """One after the other. numbers: what is to be remembered of those that are policed."""

    def __init__(self, site: Site, compiled: CompiledPolicy, known: Mapping[str, HostNumbers]) -> None:
        self.numbers: dict[str, HostNumbers] = {}
        self.faults: list[Fault] = []
        self._tight: list[Tight] = []
        self._site = site
        self._compiled = compiled
        self._known = known
        self._addresses = site.hosts()
        self._names = names = {network.number: network.name for network in compiled.maps.networks}
        self._destinations = Destinations(site.intent.tenancy(), Seen(compiled.maps.shadows, names))
        self._reach = reach_of(site.intent.networks)
        self._direct = {
            number for number, name in self._names.items() if site.intent.networks[name].forwarding == DIRECT
        }
        self._hindered: list[str] = []

    def policed(self, host: str, speech: Speech) -> HostPlan:
        """Its plan; the same where nothing of it is policed."""
        plan = self._site.plans[host]
        if not speech.interfaces:
            return plan
        known = self._known.get(host, HostNumbers())
        attachments = numbered(speech.interfaces, known.attachments, FIRST_ATTACHMENT)
        number = by_name(attachments)
        interfaces = {name: one._replace(number=number[name]) for name, one in speech.interfaces.items()}
        itself = Itself(speech.unpoliced, speech.addresses, self._addresses)
        seen = _seen_by(host, self._compiled)
        found = with_interfaces(seen.maps, host, interfaces, itself)
        # Behind a tunnel there is another host of ours, that has translated already.
        tunnels = (number[name] for name, one in interfaces.items() if one.flags & TUNNEL)
        found = found._replace(maps=with_aliases(found.maps, tunnels))
        far = frozenset(number[name] for name in speech.far)
        tags, faults = allocated(host, self._networks(found.maps, far), known.tags)
        self.faults += [*found.faults, *faults]
        self.numbers[host] = HostNumbers(tags, attachments)
        tagged = by_name(tags)
        homes = self._site.homes_at(host)
        routes = host_routes(plan, lans_of(self._site, host), tagged, self._destinations, homes)
        self._tight += routes.tight
        self.faults += (
            Fault(host, f"network {name}", f"{text} would lead two ways; give `shadows` to tell them apart")
            for name, text in routes.torn
        )
        return plan._replace(
            links=tuple(map(with_far_end, plan.links)),
            routes=(*plan.routes, *routes.seen, *routes.tables.routes),
            rules=(*plan.rules, *routes.tables.rules),
            borrowed=routes.borrowed,
            policy=self._with_tags(self._forwarding(host, found.maps), tagged),
            labelled=seen.labelled,
        )

    def notes(self) -> tuple[str, ...]:
        """Of all that were policed."""
        return (*mtu_notes(self._tight, self._destinations.mtus), *self._hindered)

    def _forwarding(self, host: str, maps: PolicyMaps) -> PolicyMaps:
        for link, others in hindered(maps, self._direct):
            names = ", ".join(sorted(self._names[number] for number in others))
            self._hindered.append(
                f"{host}: {link} has peers of networks with `forwarding: direct`, and of {names}, without: so all that "
                "passes there goes through the host's stack"
            )
        return with_forwarding(maps, self._direct)

    def _networks(self, maps: PolicyMaps, far: frozenset[int]) -> Iterable[str]:
        """Those that have a tag on a host: all, or where they are too many those of its peers, and what these reach."""
        if len(self._names) <= ROOM:
            return self._names.values()
        near = (*(place for place in maps.sources if place.scope not in far), *maps.speakers)
        here = {place.endpoint.network for place in near} & set(self._names)
        return {near for number in here for near in self._reach[self._names[number]]}

    def _with_tags(self, maps: PolicyMaps, tagged: Mapping[str, int]) -> PolicyMaps:
        """Whose network has no tag here, is nobody here."""
        tags = {number: tagged[name] for number, name in self._names.items() if name in tagged}
        strange = set(self._names) - set(tags)
        sources = tuple(
            place._replace(endpoint=NO_ENDPOINT) if place.endpoint.network in strange else place
            for place in maps.sources
        )
        return maps._replace(sources=sources, tags=tuple(sorted(starmap(NetworkTag, tags.items()))))


def _unheard(site: Site, found: Placed, speeches: Iterable[Speech]) -> Iterator[str]:
    """Peers with addresses by which nobody can speak anywhere."""
    homes = Forest({prefix_of(text): None for speech in speeches for text in speech.homes})
    for name, peer in sorted(site.intent.peers.items()):
        for text in (*peer.addresses, *peer.subnets) or found.places.get(name, ()):
            prefix = prefix_of(text)
            if not homes.around(prefix) and not homes.within(prefix):
                yield (
                    f"{below('peers', name)}: nobody can speak with {prefix.shown()}: it is in no runner's subnet, no "
                    "lan of a server, and no client's"
                )
