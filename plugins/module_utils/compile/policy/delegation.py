# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Containers that labels tell apart. Only their runner knows which of its containers is who.

In the subnet of such a runner, what no peer declares is delegated to it; what one declares of a network that theirs
does not reach is that one's alone. There a container is one of the runner's
labelled peers, or its default: the peer that the runner is, or nobody. The runner judges by who it is, both what it
sends and what it receives. For all others an address there may be any of these: they see one peer, of which
composites.py says what passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...intent.node import below
from ...intent.peer import Peer
from ...intent.tenancy import Tenancy
from ...model.errors import Fault
from ...model.labelled import Labelled
from .ground import Atom, Ground, atoms_of, with_owners
from .prefix import Prefix, in_common, without


class Delegation(NamedTuple):
    """Of one runner, in one network. atoms: where, as others see it. regions: of all of them. peers: the labelled ones.
    default: the peer that the runner is there; None: it is none. apart: what others have between the atoms."""

    network: str
    runner: str
    atoms: tuple[Atom, ...]
    peers: tuple[str, ...]
    default: str | None
    apart: tuple[Prefix, ...] = ()

    def name(self) -> str:
        """Of no peer: those have no slash."""
        return group_name(self.runner)

    def prefixes(self) -> tuple[Prefix, ...]:
        return tuple(atom.prefix for atom in self.atoms)

    def region(self, network: str) -> Prefix | None:
        """The innermost prefix around it that a network's policies name."""
        return dict(self.atoms[0].regions).get(network)

    def is_default(self, atom: Atom) -> bool:
        """Whether these are, on the runner itself, the addresses of those who have no label."""
        return (atom.network, atom.owner) == (self.network, self.default) and atom.prefix in self.prefixes()


class Delegated(NamedTuple):
    """ground: as all see it who are not one of these runners."""

    ground: Ground
    delegations: tuple[Delegation, ...]
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]


_GROUP = "/containers"


def group_name(runner: str) -> str:
    return runner + _GROUP


def is_group(name: str) -> bool:
    """Of an identity."""
    return name.endswith(_GROUP)


def delegated(
    tenancy: Tenancy, ground: Ground, runners: Mapping[str, Iterable[str]], hosts: Iterable[str]
) -> Delegated:
    """runners: their subnets. hosts: addresses of hosts of ours."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for name, peer in sorted(tenancy.peers.items()):
        for runner in peer.containers.runners if peer.containers is not None else ():
            wanted.setdefault((ground.home[name], runner), []).append(name)
    if not wanted:
        return Delegated(ground, (), (), ())
    owners: dict[str, dict[Prefix, str]] = {}
    apart: dict[tuple[str, str], set[Prefix]] = {}
    notes: list[str] = list(_ambiguous(tenancy.peers))
    for (network, runner), names in sorted(wanted.items()):
        found = []
        for prefix in in_common(runners.get(runner, ()), tenancy.networks[network].cidrs):
            if _is_free(tenancy, ground, network, runner, prefix):
                others = set(_others_within(ground, network, prefix))
                apart.setdefault((network, runner), set()).update(others)
                # Where a peer of this network has just one of the parts, it is that one's.
                found += [
                    part for part in without(prefix, others) if part == prefix or not _is_owned(ground, network, part)
                ]
        owners.setdefault(network, {}).update(dict.fromkeys(found, group_name(runner)))
        if not found:
            notes += (
                f"{below('peers', name)}: nobody on {runner} can be it, no address there is free" for name in names
            )
    ground = ground._replace(apart={network: _of_network(apart, network) for network in owners})
    seen = with_owners(ground, owners, hosts)
    atoms = {network: atoms_of(seen, network) for network in owners}
    delegations = []
    for (network, runner), names in sorted(wanted.items()):
        there = tuple(atom for atom in atoms[network] if atom.owner == group_name(runner))
        if there:
            default = next((name for name in ground.home if _is_runner(tenancy, ground, name, network, runner)), None)
            between = tuple(sorted(apart.get((network, runner), ())))
            delegations.append(Delegation(network, runner, there, tuple(names), default, between))
    return Delegated(seen, tuple(delegations), tuple(notes), tuple(_torn(delegations)))


def _is_runner(tenancy: Tenancy, ground: Ground, name: str, network: str, runner: str) -> bool:
    return ground.home[name] == network and tenancy.peers[name].runner == runner


def _is_free(tenancy: Tenancy, ground: Ground, network: str, runner: str, prefix: Prefix) -> bool:
    """Whether no peer declares all of it."""
    around = ground.owned[network].innermost(prefix)
    return around is None or tenancy.peers[ground.owned[network].values[around]].runner == runner


def _of_network(apart: Mapping[tuple[str, str], Iterable[Prefix]], network: str) -> frozenset[Prefix]:
    return frozenset(prefix for (name, _runner), others in apart.items() if name == network for prefix in others)


def _others_within(ground: Ground, network: str, prefix: Prefix) -> Iterator[Prefix]:
    """What peers have inside of it whom this network does not reach, where none of its own has it too."""
    own = ground.owned[network]
    for name, owned in ground.owned.items():
        if name not in ground.reach[network]:
            yield from (found for found in owned.within(prefix) if found != prefix and own.innermost(found) is None)


def _is_owned(ground: Ground, network: str, prefix: Prefix) -> bool:
    return prefix in ground.owned[network].values


def _torn(delegations: Iterable[Delegation]) -> Iterator[Fault]:
    """Those of whom a policy means some by their addresses, while a label says nothing of addresses."""
    for found in delegations:
        if len({atom.regions for atom in found.atoms}) > 1:
            named = sorted({prefix for atom in found.atoms for _network, prefix in atom.regions})
            message = (
                f"name a part of the addresses that containers of {found.runner} get ({named[-1].shown()}), and by "
                f"labels each of them can be {found.peers[0]}; name peers instead, or declare the addresses of those "
                "who are meant"
            )
            yield Fault("domain.yaml", "policies", message)


def _ambiguous(peers: Mapping[str, Peer]) -> Iterator[str]:
    """Pairs of which one container may have all labels."""
    labelled = [(name, peer.containers) for name, peer in sorted(peers.items()) if peer.containers is not None]
    for place, (one, first) in enumerate(labelled):
        for other, second in labelled[place + 1 :]:
            shared = sorted(set(first.runners) & set(second.runners))
            differ = any(second.labels.get(key, value) != value for key, value in first.labels.items())
            if shared and not differ:
                yield (
                    f"{below('peers', other)}: a container on {shared[0]} can have the labels of {one} too, and then "
                    "it is neither of them; give each a value of one label that the other has not"
                )


def labelled(
    tenancy: Tenancy, ground: Ground, delegations: Iterable[Delegation], numbers: Mapping[str, int]
) -> tuple[Labelled, ...]:
    """What a runner has to know. delegations: its own. ground: as it sees it. numbers: of identities, by peer."""
    found = []
    for one in delegations:
        inside = {prefix for owned in ground.owned.values() for own in one.prefixes() for prefix in owned.within(own)}
        declared = tuple(str(prefix) for prefix in sorted({*inside, *one.apart} - set(one.prefixes())))
        within = tuple(map(str, one.prefixes()))
        for name in one.peers:
            containers = tenancy.peers[name].containers
            pairs = tuple(sorted(containers.labels.items())) if containers is not None else ()
            found.append(Labelled(numbers[name], name, pairs, within, declared))
    return tuple(sorted(found))
