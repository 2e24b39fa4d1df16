# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each network sees at which addresses: its own peers, those of peered networks, and what policies name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from ...intent.network import Network
from ...intent.node import below
from ...model.errors import Fault
from .ground import Atom, Ground
from .prefix import Prefix, nested, prefix_of

_ALL_OF_IPV4 = Prefix(4, 0, 0)
# Where IPv4 is among the 128-bit addresses of the maps.
_MAPPED = Prefix(6, 0xFFFF << 32, 96)


class Seen(NamedTuple):
    """atom: the peer's part that is there, None: no peer is. region: the innermost prefix around it that the network's
    policies name, None: none does. local: whether it is in cidrs of the network or of one peered with it, and no peer
    is there whom they do not reach (Ground.apart). behind: the network whose shadow it is in, None: it is in none."""

    prefix: Prefix
    atom: Atom | None
    region: Prefix | None
    local: bool
    behind: str | None = None


class Everywhere(NamedTuple):
    """atom: None where peers of several networks are, shared, or a host of ours is. viewer: the network that alone
    knows it there, None: it is so in its own."""

    prefix: Prefix
    atom: Atom | None
    shared: bool
    viewer: str | None = None


def seen_from(
    network: str,
    ground: Ground,
    atoms: Mapping[str, Sequence[Atom]],
    networks: Mapping[str, Network],
    besides: Iterable[Prefix] = (),
) -> Iterator[Seen]:
    """In order. besides: prefixes that are told of, whoever is there.
    Where two peers of different networks are seen at one address (clashes() tells), one of them."""
    there: dict[Prefix, Atom | None] = dict.fromkeys(ground.named[network])
    cidrs: dict[Prefix, str | None] = {}
    for near in ground.reach[network]:
        for cidr in map(prefix_of, networks[near].cidrs):
            prefix = ground.views.seen(network, near, cidr)
            cidrs[prefix] = near if prefix != cidr else None
    there.update(dict.fromkeys(cidrs))
    if any(prefix.version == 6 and prefix.holds(_MAPPED) for prefix in there):
        # In the maps it is inside of ::/0, and no IPv4 packet is meant by that.
        there[_ALL_OF_IPV4] = None
    hosts, apart = frozenset(_hosts_seen(network, ground)), frozenset(_apart_seen(network, ground))
    there.update(dict.fromkeys((*besides, *hosts, *apart)))
    there.update((prefix, atom) for prefix, atom in _atoms_seen(network, ground, atoms))
    named = ground.named[network].values
    for prefix, around in nested(there):
        atom = there[prefix]
        if atom is None and prefix not in hosts and any(there[holder] is not None for holder in around):
            continue
        holders = (*around, prefix)
        region = next((holder for holder in reversed(holders) if holder in named), None)
        around_it = [holder for holder in holders if holder in cidrs]
        local = bool(around_it) and apart.isdisjoint(holders)
        yield Seen(prefix, atom, region, local, cidrs[around_it[-1]] if around_it else None)


def _hosts_seen(network: str, ground: Ground) -> Iterator[Prefix]:
    for near in ground.reach[network]:
        yield from (ground.views.seen(network, near, host) for host in ground.hosts[near])


def _apart_seen(network: str, ground: Ground) -> Iterator[Prefix]:
    for near in ground.reach[network]:
        yield from (ground.views.seen(network, near, prefix) for prefix in ground.apart.get(near, ()))


def _atoms_seen(network: str, ground: Ground, atoms: Mapping[str, Sequence[Atom]]) -> Iterator[tuple[Prefix, Atom]]:
    for near in ground.reach[network]:
        yield from ((ground.views.seen(network, near, atom.prefix), atom) for atom in atoms[near])


def everywhere(atoms: Mapping[str, Sequence[Atom]], ground: Ground) -> Iterator[Everywhere]:
    """All addresses of all peers, in order, and all shadows of these."""
    hosts = set(chain.from_iterable(ground.hosts.values()))
    there: dict[Prefix, list[Atom]] = {}
    viewers: dict[Prefix, str] = {}
    for viewer, network in ground.views.pairs:
        hosts.update(ground.views.seen(viewer, network, host) for host in ground.hosts[network])
        for atom in atoms[network]:
            prefix = ground.views.seen(viewer, network, atom.prefix)
            if prefix != atom.prefix:
                there[prefix] = [atom]
                viewers[prefix] = viewer
    there.update((host, []) for host in hosts)
    for atom in chain.from_iterable(atoms.values()):
        there.setdefault(atom.prefix, []).append(atom)
    for prefix, around in nested(there):
        holders = (prefix,) if prefix in hosts else (*around, prefix)
        networks = {atom.network for holder in holders for atom in there[holder]}
        only = there[prefix][0] if len(networks) == 1 else None
        yield Everywhere(prefix, only, len(networks) > 1, viewers.get(prefix))


def clashes(ground: Ground, atoms: Mapping[str, Sequence[Atom]]) -> list[Fault]:
    """Peers of different networks at one address, both of which some network sees: once for each pair of networks."""
    found: dict[tuple[str, str], Fault] = {}
    for viewer, reached in ground.reach.items():
        there: dict[Prefix, Atom] = {}
        for prefix, atom in _atoms_seen(viewer, ground, atoms) if len(reached) > 1 else ():
            _clash(viewer, there.setdefault(prefix, atom), atom, found)
        for prefix, around in nested(there):
            if around:
                _clash(viewer, there[around[-1]], there[prefix], found)
    return list(found.values())


def _clash(viewer: str, one: Atom, other: Atom, found: dict[tuple[str, str], Fault]) -> None:
    if one.network == other.network:
        return
    first, second = sorted((one, other), key=lambda atom: atom.network)
    names = [f"{atom.owner} of {atom.network} ({atom.prefix.shown()})" for atom in (first, second)]
    way_out = "give `shadows` a network to know them by, move one of them, or end the peering"
    message = f"{viewer} reaches {' and '.join(names)} by the same addresses; {way_out}"
    fault = Fault("domain.yaml", below(below("networks", viewer), "peered"), message)
    found.setdefault((first.network, second.network), fault)
