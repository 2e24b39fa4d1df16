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
    policies name, None: none does. local: whether it is in cidrs of the network or of one peered with it."""

    prefix: Prefix
    atom: Atom | None
    region: Prefix | None
    local: bool


class Everywhere(NamedTuple):
    """atom: None where peers of several networks are, shared, or a host of ours is."""

    prefix: Prefix
    atom: Atom | None
    shared: bool


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
    cidrs = {prefix_of(cidr) for near in ground.reach[network] for cidr in networks[near].cidrs}
    there.update(dict.fromkeys(cidrs))
    if any(prefix.version == 6 and prefix.holds(_MAPPED) for prefix in there):
        # In the maps it is inside of ::/0, and no IPv4 packet is meant by that.
        there[_ALL_OF_IPV4] = None
    hosts = frozenset(chain.from_iterable(ground.hosts[near] for near in ground.reach[network]))
    there.update(dict.fromkeys(besides))
    there.update(dict.fromkeys(hosts))
    there.update((atom.prefix, atom) for near in ground.reach[network] for atom in atoms[near])
    named = ground.named[network].values
    for prefix, around in nested(there):
        atom = there[prefix]
        if atom is None and prefix not in hosts and any(there[holder] is not None for holder in around):
            continue
        holders = (*around, prefix)
        region = next((holder for holder in reversed(holders) if holder in named), None)
        yield Seen(prefix, atom, region, any(holder in cidrs for holder in holders))


def everywhere(atoms: Iterable[Atom], ground: Ground) -> Iterator[Everywhere]:
    """All addresses of all peers, in order."""
    hosts = frozenset(chain.from_iterable(ground.hosts.values()))
    there: dict[Prefix, list[Atom]] = {host: [] for host in hosts}
    for atom in atoms:
        there.setdefault(atom.prefix, []).append(atom)
    for prefix, around in nested(there):
        holders = (prefix,) if prefix in hosts else (*around, prefix)
        networks = {atom.network for holder in holders for atom in there[holder]}
        yield Everywhere(prefix, there[prefix][0] if len(networks) == 1 else None, len(networks) > 1)


def clashes(ground: Ground, atoms: Mapping[str, Sequence[Atom]]) -> list[Fault]:
    """Peers of different networks at one address, both of which some network sees: once for each pair of networks."""
    found: dict[tuple[str, str], Fault] = {}
    for viewer, reached in ground.reach.items():
        there: dict[Prefix, Atom] = {}
        for near in reached if len(reached) > 1 else ():
            for atom in atoms[near]:
                other = there.setdefault(atom.prefix, atom)
                _clash(viewer, other, atom, found)
        for prefix, around in nested(there):
            if around:
                _clash(viewer, there[around[-1]], there[prefix], found)
    return list(found.values())


def _clash(viewer: str, one: Atom, other: Atom, found: dict[tuple[str, str], Fault]) -> None:
    if one.network == other.network:
        return
    first, second = sorted((one, other), key=lambda atom: atom.network)
    names = [f"{atom.owner} of {atom.network} ({atom.prefix.shown()})" for atom in (first, second)]
    message = f"{viewer} reaches {' and '.join(names)} by the same addresses; move one of them, or end the peering"
    fault = Fault("domain.yaml", below(below("networks", viewer), "peered"), message)
    found.setdefault((first.network, second.network), fault)
