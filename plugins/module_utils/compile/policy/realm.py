# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One realm: the endpoints of everybody there, and the verdicts between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...intent.namespace import Namespace
from ...intent.tenancy import Tenancy
from ...model.policy import PEER, Endpoint, Verdict
from .classes import realm_of
from .composites import Composite, Composites, Known, Party
from .delegation import Delegation
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
    name around them, None: they name none. runner: whose containers that labels tell apart have them. peer: which one
    they are by their labels, None: they have none."""

    network: str
    atom: Atom | None
    region: Prefix | None = None
    runner: str = ""
    peer: str | None = None

    def owner(self) -> str | None:
        """The peer; None: it is none."""
        return self.peer if self.atom is None else self.atom.owner


class Inhabitants(NamedTuple):
    """Of one realm. somebody: everybody, in order. policies: in the order of their rules. namespaces: by name.
    delegations: all that are there."""

    somebody: Sequence[Somebody]
    policies: Sequence[PolicyRules]
    namespaces: Mapping[str, Namespace]
    delegations: Sequence[Delegation] = ()


class JudgedRealm:
    def __init__(self, domain: Domain, there: Inhabitants) -> None:
        self._domain = domain
        self._there = there
        self._regions = {(found.network, found.runner): found.atoms[0].regions for found in there.delegations}
        profiles = [self._profile(somebody) for somebody in there.somebody]
        self._realm = realm_of(tuple(dict.fromkeys(profiles)), there.policies, domain.ground, there.namespaces)
        self._pairs = Pairs(self._realm, domain.tenancy.networks)
        self._lines = Lines([placed.rule for placed in self._realm.rules], domain.ports)
        self._classes = [self._realm.members[profile] for profile in profiles]
        self._class_of = dict(zip(there.somebody, self._classes))
        self._names = self._class_names(len(self._realm.classes))
        self._known = Known(self._pairs.flags)
        parties = [
            Party(found.network, found.runner, (place,) * found.peers, {} if found.peers else {found.network: place})
            for place, found in enumerate(self._realm.classes)
        ]
        self._composites = Composites(self._known, self._names, parties, list(map(self._composite, there.delegations)))

    def _profile(self, somebody: Somebody) -> Profile:
        network, atom, region, runner, _peer = somebody
        owner = somebody.owner()
        if owner is None:
            return Profile(network, None, (), () if region is None else ((network, region),), runner)
        peer = self._domain.tenancy.peers[owner]
        regions = self._regions[network, runner] if atom is None else atom.regions
        return Profile(network, peer.namespace, tuple(sorted(peer.labels.items())), regions, runner)

    def _composite(self, found: Delegation) -> Composite:
        peers = [Somebody(found.network, None, None, found.runner, name) for name in found.peers]
        strangers: dict[str, int] = {}
        if found.default is None:
            for near in self._domain.ground.reach[found.network]:
                strangers[near] = self._class_of[Somebody(near, None, found.region(near), found.runner)]
        else:
            peers += [one for one in self._there.somebody if one.atom is not None and found.is_default(one.atom)]
        classes = tuple(sorted({self._class_of[one] for one in peers}))
        return Composite(self._group(found), Party(found.network, found.runner, classes, strangers))

    def _group(self, found: Delegation) -> int:
        return self._domain.identities.group(found.network, found.name())

    def _class_names(self, count: int) -> list[int]:
        """A class has the lowest number of those in it. Where none has a number of its own, one gets it: there are
        peers in several classes, by their addresses, and their number names one of these."""
        identities = self._domain.identities
        names: dict[int, int] = {}
        nameless: dict[int, tuple[int, Atom]] = {}
        for class_, somebody in zip(self._classes, self._there.somebody):
            network, atom, region, runner, _peer = somebody
            if runner:
                number: int | None = identities.on(runner, network, somebody.owner())
            else:
                number = identities.region(network, region) if atom is None else identities.own(atom)
            if number is not None:
                names[class_] = min(number, names.get(class_, number))
            elif atom is not None:
                one = (identities.peer(atom.owner), atom)
                nameless[class_] = min(one, nameless.get(class_, one), key=lambda found: (found[0], found[1].prefix))
        for class_, (_number, part) in sorted(nameless.items()):
            if class_ not in names:
                names[class_] = identities.part(part)
        return [names[class_] for class_ in range(count)]

    def endpoints(self) -> Iterator[tuple[Somebody, Endpoint]]:
        identities = self._domain.identities
        for class_, somebody in zip(self._classes, self._there.somebody):
            owner = somebody.owner()
            network = somebody.network
            number = identities.region(network, somebody.region) if owner is None else identities.peer(owner)
            flags = self._pairs.flags[class_]
            yield somebody, Endpoint(number, self._names[class_], self._domain.numbers[network], flags)
        for found in self._there.delegations:
            number = self._group(found)
            for atom in found.atoms:
                yield (
                    Somebody(found.network, atom),
                    Endpoint(number, number, self._domain.numbers[found.network], PEER),
                )

    def verdicts(self) -> Iterator[Verdict]:
        names, flags, classes = self._names, self._pairs.flags, self._realm.classes
        for source, destination, egress, ingress in self._pairs:
            lines = self._lines.of(egress, ingress, flags[source], flags[destination])
            runners = {classes[source].runner, classes[destination].runner}
            if self._there.delegations:
                self._known.learn(source, destination, lines)
            # Between containers of two runners no host sees both.
            if len(runners - {""}) < 2:
                for line in lines:
                    yield Verdict(names[source], names[destination], line.protocol, line.port, *line.outcome)
        for one, other, line in self._composites.lines():
            yield Verdict(one, other, line.protocol, line.port, *line.outcome)

    def notes(self) -> Iterator[str]:
        """Of what policies allow and nobody lets pass. After verdicts()."""
        owners = {
            self._class_of[one]: one.owner() for one in reversed(self._there.somebody) if one.runner and one.owner()
        }
        for source, destination, runner in self._composites.lost():
            one, other = owners[source], owners[destination]
            here = self._realm.classes[source].runner
            yield (
                f"policies let {one} on {here} speak to {other} on {runner}, but {runner} cannot tell which container "
                f"of {here} it hears: it lets pass what all of them may; declare addresses for {one} or for {other}"
            )
