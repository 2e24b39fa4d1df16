# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pairs of classes rules have anything to say about, and which rules those are.

Sets of classes and of rules are bits of a number, by position in the realm. So each class is asked once for all whom
it may reach, and only pairs that can have a line are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from ...intent.network import OBSERVE, Network
from ...model.policy import OBSERVES_EGRESS, OBSERVES_INGRESS, PEER, UNPOLICED
from .bits import positions, union
from .classes import Class, Realm
from .rules import EGRESS, INGRESS


class Pair(NamedTuple):
    """source, destination: positions of classes. egress, ingress: the rules about it, as bits."""

    source: int
    destination: int
    egress: int
    ingress: int


class Direction:
    """The rules of one direction.

    near: by class, the rules that are for it. far: by class, the rules that it is on the far side of. observing: the
    classes of peers for whom a missing permission is recorded only.
    """

    def __init__(self, realm: Realm, direction: str, networks: Mapping[str, Network]) -> None:
        rules = [(1 << number, *placed) for number, placed in enumerate(realm.rules)]
        rules = [entry for entry in rules if entry[1].direction == direction]
        classes = realm.classes
        near = _united((selection, bit) for bit, _rule, selection, _side in rules)
        far = _united((side, bit) for bit, _rule, _selection, side in rules)
        self.near = [near(class_.selections) for class_ in classes]
        self.far = [far(class_.sides) for class_ in classes]
        enforced = union(bit for bit, rule, _selection, _side in rules if not rule.observed)
        self.observing = 0
        for number, class_ in enumerate(classes):
            # Of several policies for one peer, all have to observe; those without a rule of this direction say nothing.
            by_policy = self.near[number] and not self.near[number] & enforced
            if class_.peers and (by_policy or networks[class_.network].mode == OBSERVE):
                self.observing |= 1 << number
        selected = _table((at, 1 << number) for number, class_ in enumerate(classes) for at in class_.selections)
        meant = _table((at, 1 << number) for number, class_ in enumerate(classes) for at in class_.sides)
        self._onward, self._back = {}, {}
        for allows in (True, False):
            some = [(selection, side) for _bit, rule, selection, side in rules if rule.allows == allows]
            self._onward[allows] = _united((selection, meant.get(side, 0)) for selection, side in some)
            self._back[allows] = _united((side, selected.get(selection, 0)) for selection, side in some)

    def onward(self, class_: Class, allows: bool) -> int:
        """Those on the far side of the rules that are for it: of rules that allow, or of those that deny."""
        return self._onward[allows](class_.selections)

    def back(self, class_: Class, allows: bool) -> int:
        """Those for whom the rules are that it is on the far side of."""
        return self._back[allows](class_.sides)


def _table(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for at, bits in pairs:
        found[at] = found.get(at, 0) | bits
    return found


def _united(pairs: Iterable[tuple[int, int]]) -> Callable[[tuple[int, ...]], int]:
    """The union of what several positions have; many classes ask the same."""
    table = _table(pairs)
    known: dict[tuple[int, ...], int] = {}

    def ask(at: tuple[int, ...]) -> int:
        if at not in known:
            known[at] = union(table.get(position, 0) for position in at)
        return known[at]

    return ask


class Pairs:
    """flags: of endpoints, by class."""

    def __init__(self, realm: Realm, networks: Mapping[str, Network]) -> None:
        self._classes = realm.classes
        self._egress = Direction(realm, EGRESS, networks)
        self._ingress = Direction(realm, INGRESS, networks)
        self._strangers: dict[str, int] = {}
        for number, class_ in enumerate(realm.classes):
            if not class_.peers:
                self._strangers[class_.network] = self._strangers.get(class_.network, 0) | 1 << number
        self.flags = [self._flags(number) for number in range(len(realm.classes))]

    def _flags(self, number: int) -> int:
        if not self._classes[number].peers:
            return UNPOLICED
        into = OBSERVES_INGRESS if self._ingress.observing >> number & 1 else 0
        out_of = OBSERVES_EGRESS if self._egress.observing >> number & 1 else 0
        return PEER | into | out_of

    def __iter__(self) -> Iterator[Pair]:
        """In no order that means anything."""
        egress, ingress = self._egress, self._ingress
        for source in range(len(self._classes)):
            for destination in positions(self._destinations(source)):
                yield Pair(
                    source,
                    destination,
                    egress.near[source] & egress.far[destination],
                    ingress.near[destination] & ingress.far[source],
                )

    def _destinations(self, source: int) -> int:
        """All that may have a line: the others are denied by no rule, and observed if both ends say so."""
        class_, observing = self._classes[source], self._ingress.observing
        permitted, denied = self._ingress.back(class_, True), self._ingress.back(class_, False)
        if not class_.peers:
            return permitted | denied
        wanted = self._egress.onward(class_, True)
        found = wanted & (permitted | self._strangers.get(class_.network, 0)) | denied
        found |= self._egress.onward(class_, False)
        # One side allows, and only the other one, which observes, does not.
        one_sided = permitted & ~observing if self.flags[source] & OBSERVES_EGRESS else wanted & observing
        return found | one_sided
