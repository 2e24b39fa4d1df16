# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a tenancy to the maps that packets are judged by: pure, and the only way there.

ground.py: whose which addresses are, and which prefixes of policies they lie in. scopes.py: what each
network sees of it; shadow_views.py, shadows.py: by which addresses. selection.py, classes.py: whom rules mean, and whom
no rule tells apart.
pairs.py, lines.py: about whom there is something to say, and what. realm.py: all of it, for
networks that reach each other. delegation.py, views.py, composites.py: containers that labels tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from types import MappingProxyType
from typing import NamedTuple

from ...intent.namespace import Namespace
from ...intent.tenancy import Tenancy
from ...model.errors import Fault
from ...model.labelled import Labelled
from ...model.policy import (
    MOST_PLACES,
    MOST_VERDICTS,
    Endpoint,
    NetworkName,
    Place,
    PolicyMaps,
    Shadow,
)
from .classes import realms
from .delegation import Delegated, Delegation, delegated, labelled
from .ground import Atom, Ground, survey
from .ledger import PolicyLedger, identity_counter
from .names import Identities, numbered_networks
from .ports import PortClasses
from .realm import Domain, Inhabitants, JudgedRealm, Somebody
from .rules import PolicyRules, numbered
from .scopes import clashes
from .shadows import Shadowed, shadowed
from .views import View, views


class RunnerPolicy(NamedTuple):
    """Of a runner whose containers labels tell apart: the domain's maps as it sees them, and what the labels are."""

    maps: PolicyMaps
    labelled: tuple[Labelled, ...]


class CompiledPolicy(NamedTuple):
    """maps: without attachments. notes: for the reader. With faults, maps is empty and ledger what it was. runners: who
    sees more than the maps say."""

    maps: PolicyMaps
    ledger: PolicyLedger
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]
    runners: Mapping[str, RunnerPolicy] = MappingProxyType({})


def compile_policy(
    tenancy: Tenancy,
    places: Mapping[str, tuple[str, ...]],
    ledger: PolicyLedger,
    hosts: Iterable[str] = (),
    runners: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> CompiledPolicy:
    """places: peer → addresses or prefixes, of clients, servers and runners. hosts: addresses of hosts of ours, which
    no wider prefix makes a peer's. runners: their subnets. The same arguments give the same maps and ledger."""
    hosts, shadows = tuple(hosts), shadowed(tenancy, ledger.shadows)
    bare, notes, faults = survey(tenancy, places, hosts, shadows.views)
    found = delegated(tenancy, bare, runners, hosts)
    networks = numbered_networks(tenancy.networks, ledger.networks)
    seen = views(bare, found, tenancy.networks, hosts)
    ground, atoms = found.ground, seen[0].atoms
    notes += found.notes
    faults += found.faults + networks.faults + (shadows.faults or _unclear(ground, atoms))
    if faults:
        return CompiledPolicy(PolicyMaps(), ledger, notes, faults)
    policies, names = numbered(tenancy)
    ports = PortClasses(rule.ports for policy in policies for rule in policy.rules)
    counter = identity_counter(ledger)
    known = Identities(ground, chain.from_iterable(atoms.values()), counter)
    domain = Domain(tenancy, ground, atoms, networks.numbers, known, ports)
    judged = [JudgedRealm(domain, there) for there in _inhabitants(domain, seen, policies, found)]
    verdicts = list(islice(chain.from_iterable(realm.verdicts() for realm in judged), MOST_VERDICTS + 1))
    endpoints = dict(chain.from_iterable(realm.endpoints() for realm in judged))
    if len(verdicts) > MOST_VERDICTS:
        return CompiledPolicy(PolicyMaps(), ledger, notes, (_too_many_verdicts(endpoints, ports),))
    maps = PolicyMaps(
        tuple(sorted(NetworkName(number, name) for name, number in networks.numbers.items())),
        known.table(networks.numbers),
        names,
        tuple(seen[0].places(networks.numbers, endpoints)),
        tuple(sorted(verdicts)),
        ports.table(),
        speakers=tuple(sorted(chain.from_iterable(_unplaced(domain, one, endpoints) for one in found.delegations))),
        shadows=tuple(sorted(_shadows(shadows, networks.numbers))),
    )
    notes += tuple(chain.from_iterable(realm.notes() for realm in judged))
    own = {view.runner: _runners_own(domain, view, maps, endpoints) for view in seen[1:]}
    return CompiledPolicy(maps, PolicyLedger(networks.remember, counter.numbers(), shadows.remember), notes, (), own)


def _shadows(shadows: Shadowed, numbers: Mapping[str, int]) -> Iterator[Shadow]:
    for (viewer, network, cidr), shadow in shadows.given.items():
        yield Shadow(numbers[viewer], numbers[network], cidr, str(shadow))


def _runners_own(domain: Domain, view: View, maps: PolicyMaps, endpoints: Mapping[Somebody, Endpoint]) -> RunnerPolicy:
    numbers = {name: domain.identities.peer(name) for one in view.own for name in one.peers}
    its = maps._replace(
        destinations=tuple(view.places(domain.numbers, endpoints)),
        speakers=tuple(sorted(chain.from_iterable(_speakers(domain, one, endpoints) for one in view.own))),
    )
    return RunnerPolicy(its, labelled(domain.tenancy, view.ground, view.own, numbers))


def _unclear(ground: Ground, atoms: Mapping[str, Sequence[Atom]]) -> tuple[Fault, ...]:
    return tuple(_too_many_places(ground, atoms) or clashes(ground, atoms))


def _too_many_places(ground: Ground, atoms: Mapping[str, Sequence[Atom]]) -> list[Fault]:
    count = sum(len(atoms[near]) for reached in ground.reach.values() for near in reached)
    if count <= MOST_PLACES:
        return []
    message = (
        f"{count} prefixes of peers, counted in each network that reaches them, are more than the {MOST_PLACES} that "
        "hosts hold; peer fewer networks, or declare subnets instead of addresses"
    )
    return [Fault("domain.yaml", "peers", message)]


def _too_many_verdicts(endpoints: Mapping[Somebody, Endpoint], ports: PortClasses) -> Fault:
    classes = len({endpoint.class_ for endpoint in endpoints.values()})
    message = (
        f"come to more than the {MOST_VERDICTS} verdicts that hosts hold: {classes} classes of peers and prefixes, "
        f"{len(ports.table())} ranges of ports; tell fewer of them apart, or allow less between all of them"
    )
    return Fault("domain.yaml", "policies", message)


def _inhabitants(
    domain: Domain, seen: Sequence[View], policies: Sequence[PolicyRules], found: Delegated
) -> Iterator[Inhabitants]:
    """Of each realm."""
    rules: dict[str, list[PolicyRules]] = {}
    for policy in policies:
        rules.setdefault(policy.network, []).append(policy)
    namespaces: dict[str, dict[str, Namespace]] = {}
    for name, namespace in domain.tenancy.namespaces.items():
        namespaces.setdefault(namespace.network, {})[name] = namespace
    for group in realms(domain.ground):
        there = sorted(
            chain.from_iterable(rules.get(name, ()) for name in group), key=lambda found: found.rules[0].number
        )
        homes = dict(chain.from_iterable(namespaces.get(name, {}).items() for name in group))
        delegations = tuple(one for one in found.delegations if one.network in group)
        everybody = chain(
            chain.from_iterable(view.everybody(network) for view in seen for network in group),
            (Somebody(one.network, None, None, one.runner, name) for one in delegations for name in one.peers),
        )
        yield Inhabitants(tuple(dict.fromkeys(everybody)), there, homes, delegations)


def _speakers(domain: Domain, found: Delegation, endpoints: Mapping[Somebody, Endpoint]) -> Iterator[Place]:
    """As each network sees them."""
    for near in domain.ground.reach[found.network]:
        for name in found.peers:
            somebody = Somebody(found.network, None, None, found.runner, name)
            yield Place(domain.numbers[near], str(found.atoms[0].prefix), endpoints[somebody])


def _unplaced(domain: Domain, found: Delegation, endpoints: Mapping[Somebody, Endpoint]) -> Iterator[Place]:
    """Besides those, the peer that the runner is, where they may be: only its own maps have it there."""
    yield from _speakers(domain, found, endpoints)
    for near in domain.ground.reach[found.network] if found.default is not None else ():
        for atom in found.atoms:
            somebody = Somebody(found.network, atom._replace(owner=found.default or ""), None, found.runner)
            yield Place(domain.numbers[near], str(atom.prefix), endpoints[somebody])
