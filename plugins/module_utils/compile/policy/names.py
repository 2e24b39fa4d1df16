# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Numbers of networks and identities, and the names of classes, which are numbers of identities in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...intent.network import Network
from ...intent.node import below
from ...model.errors import Fault
from ...model.policy import HOST, WORLD, Identity
from .ground import Atom, Ground
from .ledger import FIRST_NETWORK, LAST_NETWORK, Counter, Numbers
from .prefix import Prefix


class NumberedNetworks(NamedTuple):
    """numbers: by name. remember: for the ledger."""

    numbers: Mapping[str, int]
    remember: Numbers
    faults: tuple[Fault, ...]


def numbered_networks(networks: Mapping[str, Network], remembered: Numbers) -> NumberedNetworks:
    """Pinned ones first; one that is not pinned is not moved by somebody else's pin."""
    pinned = {("", name): network.id for name, network in sorted(networks.items()) if network.id is not None}
    holders = {number: name for (_none, name), number in remembered.given.items() if name in networks}
    faults = []
    for (_none, name), number in pinned.items():
        other = holders.get(number, name)
        if other != name and networks[other].id is None:
            message = f"{number} is held by {other}; pin {other} to another id first, or pick one"
            faults.append(Fault("domain.yaml", below(below("networks", name), "id"), message))
    counter = Counter(remembered, FIRST_NETWORK, pinned)
    found = {name: counter.number(("", name)) for name in sorted(networks)}
    if any(number > LAST_NETWORK for number in found.values()):
        message = f"{len(found)} are more than there are numbers for, up to {LAST_NETWORK}; pin lower ones"
        faults.append(Fault("domain.yaml", "networks", message))
    return NumberedNetworks(found, counter.numbers(), tuple(faults))


class Identities:
    """Who has which number. Peers and the prefixes that policies name have one each, whether or not an address has.
    atoms: of all networks, in order."""

    def __init__(self, ground: Ground, atoms: Iterable[Atom], counter: Counter) -> None:
        self._ground = ground
        self._counter = counter
        self._first: dict[str, Prefix] = {}
        for name in sorted(ground.home):
            self.peer(name)
        for network, named in ground.named.items():
            for prefix in named:
                self.prefix(network, prefix)
        for atom in atoms:
            if atom.prefix in ground.owned[atom.network].values:
                self._first.setdefault(atom.owner, atom.prefix)

    def peer(self, name: str) -> int:
        return self._counter.number(("", name))

    def prefix(self, network: str, prefix: Prefix) -> int:
        return self._counter.number((network, str(prefix)))

    def region(self, network: str, prefix: Prefix | None) -> int:
        """Of what is no peer; None: of what no policy names either."""
        return WORLD if prefix is None else self.prefix(network, prefix)

    def group(self, network: str, name: str) -> int:
        """Of those who may be at a delegated address."""
        return self._counter.number((network, name))

    def on(self, runner: str, network: str, name: str | None) -> int:
        """Of the class that a peer's containers have on a runner; None: those of nobody."""
        return self._counter.number((network, f"{name or 'world'} of {runner}"))

    def own(self, atom: Atom) -> int | None:
        """The number that is of this part of a peer alone: its first prefix has the peer's, a prefix that policies name
        its own; None: others have none."""
        if self._first.get(atom.owner) == atom.prefix:
            return self.peer(atom.owner)
        if self._names(atom):
            return self.prefix(atom.network, atom.prefix)
        return None

    def part(self, atom: Atom) -> int:
        """A number for this part of a peer, where it has none."""
        name = str(atom.prefix)
        if atom.prefix in self._ground.named[atom.network].values and not self._names(atom):
            name = f"{name} of {atom.owner}"
        return self._counter.number((atom.network, name))

    def _names(self, atom: Atom) -> bool:
        """Whether policies name its prefix, and mean nobody else by it: no host of ours is in it."""
        is_named = atom.prefix in self._ground.named[atom.network].values
        return is_named and not any(map(atom.prefix.holds, self._ground.hosts[atom.network]))

    def table(self, networks: Mapping[str, int]) -> tuple[Identity, ...]:
        """networks: their numbers."""
        return tuple(sorted((Identity(WORLD, "world", 0), Identity(HOST, "host", 0), *self._declared(networks))))

    def _declared(self, networks: Mapping[str, int]) -> Iterator[Identity]:
        for (network, name), number in self._counter.given.items():
            yield Identity(number, name, networks[network or self._ground.home[name]])
