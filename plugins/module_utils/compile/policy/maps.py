# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a tenancy to the maps that packets are judged by: pure, and the only way there.

ground.py: whose which addresses are, and which prefixes of policies they lie in. scopes.py: what each
network sees of it; shadow_views.py, shadows.py: by which addresses. selection.py, classes.py: whom rules mean, and whom no
rule tells apart.
pairs.py, lines.py: about whom there is something to say, and what. realm.py: all of it, for
networks that reach each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

from ...intent.namespace import Namespace
from ...intent.tenancy import Tenancy
from ...model.errors import Fault
from ...model.policy import (
    EVERY_NETWORK,
    LOCAL,
    MOST_PLACES,
    MOST_VERDICTS,
    NOBODY,
    SHADOW,
    SHARED,
    UNPOLICED,
    WORLD,
    Endpoint,
    NetworkName,
    Place,
    PolicyMaps,
    Shadow,
)
from .classes import realms
from .ground import Atom, Ground, atoms_of, survey
from .ledger import PolicyLedger, identity_counter
from .names import Identities, numbered_networks
from .ports import PortClasses
from .realm import Domain, Inhabitants, JudgedRealm, Somebody
from .rules import PolicyRules, numbered
from .scopes import Seen, clashes, everywhere, seen_from
from .shadows import Shadowed, shadowed

_SHARED = Endpoint(NOBODY, 0, 0, SHARED)
# Of no peer, though peers are all around.
_HOSTS = Endpoint(WORLD, WORLD, 0, UNPOLICED | LOCAL)


class CompiledPolicy(NamedTuple):
    """maps: without attachments. notes: for the reader. With faults, maps is empty and ledger what it was."""

    maps: PolicyMaps
    ledger: PolicyLedger
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


def compile_policy(
    tenancy: Tenancy, places: Mapping[str, tuple[str, ...]], ledger: PolicyLedger, hosts: Iterable[str] = ()
) -> CompiledPolicy:
    """places: peer → addresses or prefixes, of clients, servers and runners. hosts: addresses of hosts of ours, which
    no wider prefix makes a peer's. The same arguments give the same maps and the same ledger, byte for byte."""
    shadows = shadowed(tenancy, ledger.shadows)
    ground, notes, faults = survey(tenancy, places, hosts, shadows.views)
    networks = numbered_networks(tenancy.networks, ledger.networks)
    atoms = {network: atoms_of(ground, network) for network in ground.reach}
    found = shadows.faults or _too_many_places(ground, atoms) or clashes(ground, atoms)
    faults = (*faults, *networks.faults, *found)
    if faults:
        return CompiledPolicy(PolicyMaps(), ledger, notes, faults)
    policies, names = numbered(tenancy)
    ports = PortClasses(rule.ports for policy in policies for rule in policy.rules)
    counter = identity_counter(ledger)
    identities = Identities(ground, chain.from_iterable(atoms.values()), counter)
    domain = Domain(tenancy, ground, atoms, networks.numbers, identities, ports)
    seen = {network: list(seen_from(network, ground, atoms, tenancy.networks)) for network in ground.reach}
    judged = [JudgedRealm(domain, there) for there in _inhabitants(domain, seen, policies)]
    verdicts = list(islice(chain.from_iterable(realm.verdicts() for realm in judged), MOST_VERDICTS + 1))
    endpoints = dict(chain.from_iterable(realm.endpoints() for realm in judged))
    if len(verdicts) > MOST_VERDICTS:
        return CompiledPolicy(PolicyMaps(), ledger, notes, (_too_many_verdicts(endpoints, ports),))
    maps = PolicyMaps(
        tuple(sorted(NetworkName(number, name) for name, number in networks.numbers.items())),
        identities.table(networks.numbers),
        names,
        tuple(_places(domain, seen, endpoints)),
        tuple(sorted(verdicts)),
        ports.table(),
        shadows=tuple(sorted(_shadows(shadows, networks.numbers))),
    )
    return CompiledPolicy(maps, PolicyLedger(networks.remember, counter.numbers(), shadows.remember), notes, ())


def _shadows(shadows: Shadowed, numbers: Mapping[str, int]) -> Iterator[Shadow]:
    for (viewer, network, cidr), shadow in shadows.given.items():
        yield Shadow(numbers[viewer], numbers[network], cidr, str(shadow))


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
    domain: Domain, seen: Mapping[str, Sequence[Seen]], policies: Sequence[PolicyRules]
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
        everybody = chain.from_iterable(_everybody(domain, network, seen[network]) for network in group)
        yield Inhabitants(tuple(everybody), there, homes)


def _everybody(domain: Domain, network: str, seen: Sequence[Seen]) -> Iterator[Somebody]:
    # There always are addresses that nobody has and nobody names.
    for region in dict.fromkeys((None, *(found.region for found in seen if found.atom is None))):
        yield Somebody(network, None, region)
    for atom in domain.atoms[network]:
        yield Somebody(network, atom)


def _places(
    domain: Domain, seen: Mapping[str, Sequence[Seen]], endpoints: Mapping[Somebody, Endpoint]
) -> Iterator[Place]:
    """In the order of scopes and addresses."""
    for there in everywhere(domain.atoms, domain.ground):
        endpoint = _SHARED if there.shared else _HOSTS
        if there.atom is not None:
            endpoint = endpoints[Somebody(there.atom.network, there.atom)]
        if there.atom is not None and there.viewer is not None:
            endpoint = endpoint._replace(network=domain.numbers[there.viewer], flags=endpoint.flags | SHADOW)
        yield Place(EVERY_NETWORK, str(there.prefix), endpoint)
    for network in sorted(seen, key=lambda name: domain.numbers[name]):
        for found in seen[network]:
            if found.atom is not None:
                endpoint = endpoints[Somebody(found.atom.network, found.atom)]
            else:
                endpoint = endpoints[Somebody(network, None, found.region)]
                endpoint = endpoint._replace(flags=endpoint.flags | (LOCAL if found.local else 0))
            if found.behind is not None:
                endpoint = endpoint._replace(network=domain.numbers[found.behind], flags=endpoint.flags | SHADOW)
            yield Place(domain.numbers[network], str(found.prefix), endpoint)
