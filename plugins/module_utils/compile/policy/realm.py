# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One realm: the endpoints of everybody there, and the verdicts between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...intent.namespace import Namespace
from ...intent.tenancy import Tenancy
from ...model.policy import Endpoint, Verdict
from .classes import realm_of
from .ground import Atom, Ground
from .lines import Lines
from .names import Identities
from .pairs import Pairs
from .ports import PortClasses
from .prefix import Prefix
from .rules import PolicyRules
from .selection import Profile


class Domain(NamedTuple):
    """atoms: by network, the addresses of its peers. numbers: of networks."""

    tenancy: Tenancy
    ground: Ground
    atoms: Mapping[str, Sequence[Atom]]
    numbers: Mapping[str, int]
    identities: Identities
    ports: PortClasses


class Somebody(NamedTuple):
    """Addresses that a network sees. atom: a peer's, None: no peer's; then region is the innermost prefix that policies
    name around them, None: they name none."""

    network: str
    atom: Atom | None
    region: Prefix | None = None


class Inhabitants(NamedTuple):
    """Of one realm. somebody: everybody, in order. policies: in the order of their rules. namespaces: by name."""

    somebody: Sequence[Somebody]
    policies: Sequence[PolicyRules]
    namespaces: Mapping[str, Namespace]


class JudgedRealm:
    def __init__(self, domain: Domain, there: Inhabitants) -> None:
        self._domain = domain
        self._there = there
        profiles = [self._profile(somebody) for somebody in there.somebody]
        realm = realm_of(tuple(dict.fromkeys(profiles)), there.policies, domain.ground, there.namespaces)
        self._pairs = Pairs(realm, domain.tenancy.networks)
        self._lines = Lines([placed.rule for placed in realm.rules], domain.ports)
        self._classes = [realm.members[profile] for profile in profiles]
        self._names = self._class_names(len(realm.classes))

    def _profile(self, somebody: Somebody) -> Profile:
        network, atom, region = somebody
        if atom is None:
            return Profile(network, None, (), () if region is None else ((network, region),))
        peer = self._domain.tenancy.peers[atom.owner]
        return Profile(network, peer.namespace, tuple(sorted(peer.labels.items())), atom.regions)

    def _class_names(self, count: int) -> list[int]:
        """A class has the lowest number of those in it. Where none has a number of its own, one gets it: there are
        peers in several classes, by their addresses, and their number names one of these."""
        identities = self._domain.identities
        names: dict[int, int] = {}
        nameless: dict[int, tuple[int, Atom]] = {}
        for class_, (network, atom, region) in zip(self._classes, self._there.somebody):
            number = identities.region(network, region) if atom is None else identities.own(atom)
            if number is not None:
                names[class_] = min(number, names.get(class_, number))
            elif atom is not None:
                one = (identities.peer(atom.owner), atom)
                nameless[class_] = min(one, nameless.get(class_, one), key=lambda found: (found[0], found[1].prefix))
        for class_, (_peer, atom) in sorted(nameless.items()):
            if class_ not in names:
                names[class_] = identities.part(atom)
        return [names[class_] for class_ in range(count)]

    def endpoints(self) -> Iterator[tuple[Somebody, Endpoint]]:
        identities = self._domain.identities
        for class_, somebody in zip(self._classes, self._there.somebody):
            network, atom, region = somebody
            number = identities.region(network, region) if atom is None else identities.peer(atom.owner)
            flags = self._pairs.flags[class_]
            yield somebody, Endpoint(number, self._names[class_], self._domain.numbers[network], flags)

    def verdicts(self) -> Iterator[Verdict]:
        names, flags = self._names, self._pairs.flags
        for source, destination, egress, ingress in self._pairs:
            for line in self._lines.of(egress, ingress, flags[source], flags[destination]):
                yield Verdict(names[source], names[destination], line.protocol, line.port, *line.outcome)
