# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who sees whom where: nearly all hosts see the same. A runner whose containers labels tell apart sees those itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ...intent.network import Network
from ...model.policy import EVERY_NETWORK, LOCAL, NOBODY, SHADOW, SHARED, UNPOLICED, WORLD, Endpoint, Place
from .delegation import Delegated, Delegation
from .ground import Atom, Ground, atoms_of, with_owners
from .prefix import Prefix, prefix_of
from .realm import Somebody
from .scopes import Seen, everywhere, seen_from

_SHARED = Endpoint(NOBODY, 0, 0, SHARED)
# Of no peer, though peers are all around.
_HOSTS = Endpoint(WORLD, WORLD, 0, UNPOLICED | LOCAL)


class View(NamedTuple):
    """runner: whose it is, "": everybody else's. own: what is delegated to it. atoms, seen: by network. hosts:
    addresses of all hosts."""

    runner: str
    own: tuple[Delegation, ...]
    ground: Ground
    atoms: Mapping[str, Sequence[Atom]]
    seen: Mapping[str, Sequence[Seen]]
    hosts: frozenset[Prefix]

    def _at(self, network: str, found: Seen) -> Somebody:
        if found.atom is not None:
            return self._of(found.atom)
        for one in self.own:
            # By its own address there: a network may know it by another one.
            prefix = self.ground.views.back(network, one.network, found.prefix)
            near = network in self.ground.reach[one.network] and prefix not in self.hosts
            if near and prefix is not None and any(own.holds(prefix) for own in one.prefixes()):
                return Somebody(network, None, found.region, self.runner)
        return Somebody(network, None, found.region)

    def _of(self, atom: Atom) -> Somebody:
        runner = self.runner if any(one.is_default(atom) for one in self.own) else ""
        return Somebody(atom.network, atom, None, runner)

    def everybody(self, network: str) -> Iterator[Somebody]:
        """Without those who are known by labels, and without those who are known to their runner alone."""
        # There always are addresses that nobody has and nobody names.
        yield Somebody(network, None, None)
        yield from (self._at(network, found) for found in self.seen[network] if found.atom is None)
        owners = self.ground.home
        yield from (self._of(atom) for atom in self.atoms[network] if atom.owner in owners)

    def places(self, numbers: Mapping[str, int], endpoints: Mapping[Somebody, Endpoint]) -> Iterator[Place]:
        """In the order of scopes and addresses. numbers: of networks."""
        for there in everywhere(self.atoms, self.ground):
            endpoint = _SHARED if there.shared else _HOSTS
            if there.atom is not None:
                endpoint = endpoints[self._of(there.atom)]
            if there.atom is not None and there.viewer is not None:
                endpoint = endpoint._replace(network=numbers[there.viewer], flags=endpoint.flags | SHADOW)
            yield Place(EVERY_NETWORK, str(there.prefix), endpoint)
        for network in sorted(self.seen, key=lambda name: numbers[name]):
            for found in self.seen[network]:
                endpoint = endpoints[self._at(network, found)]
                if found.atom is None and found.local:
                    endpoint = endpoint._replace(flags=endpoint.flags | LOCAL)
                if found.behind is not None:
                    endpoint = endpoint._replace(network=numbers[found.behind], flags=endpoint.flags | SHADOW)
                yield Place(numbers[network], str(found.prefix), endpoint)


def views(ground: Ground, found: Delegated, networks: Mapping[str, Network], hosts: Iterable[str]) -> list[View]:
    """Everybody's first. ground: as if nothing were delegated."""
    every = tuple(hosts)
    ground = ground._replace(apart=found.ground.apart)
    result = []
    for runner in ("", *sorted({one.runner for one in found.delegations})):
        there = found.ground
        own = tuple(one for one in found.delegations if one.runner == runner)
        if runner:
            others: dict[str, dict[Prefix, str]] = {}
            for one in found.delegations:
                if one.runner != runner:
                    others.setdefault(one.network, {}).update(dict.fromkeys(one.prefixes(), one.name()))
            there = with_owners(ground, others, every)
        result.append(_view(runner, own, there, networks, frozenset(map(prefix_of, every))))
    return result


def _view(
    runner: str,
    own: tuple[Delegation, ...],
    ground: Ground,
    networks: Mapping[str, Network],
    hosts: frozenset[Prefix],
) -> View:
    atoms = {network: atoms_of(ground, network) for network in ground.reach}
    seen = {
        network: list(seen_from(network, ground, atoms, networks, _besides(network, own, ground, hosts)))
        for network in ground.reach
    }
    return View(runner, own, ground, atoms, seen, hosts)


def _besides(network: str, own: Iterable[Delegation], ground: Ground, hosts: frozenset[Prefix]) -> Iterator[Prefix]:
    """Where nobody is, but what is there is somebody's to know."""
    for one in own:
        if one.default is None and network in ground.reach[one.network]:
            seen = ground.views.seen
            yield from (seen(network, one.network, prefix) for prefix in one.prefixes())
            yield from (
                seen(network, one.network, host)
                for host in hosts
                if any(prefix.holds(host) for prefix in one.prefixes())
            )
