# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What passes between somebody and a delegated address, where nobody knows who it is.

Its own runner knows, and every packet passes it: so elsewhere what one of those may who can be there, passes. Only
between two runners neither knows both ends. There the runner of the receiver, who knows that one, lets pass what all
may who can have sent it; and that is what is true between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ...model.policy import ALLOW, ANY_PROTOCOL, DENY, OBSERVES_EGRESS, OBSERVES_INGRESS, PEER
from .lines import Line, Outcome

# Of one pair of classes.
_Key = tuple[int, int]
_Choice = Callable[[Iterable[Outcome]], Outcome]
_WIDEST = (ANY_PROTOCOL, 0)
_ALLOWED = Outcome(ALLOW, 0, 0)
_LAST = 1 << 32


class Party(NamedTuple):
    """Who can be at one end. peers: positions of classes. strangers: of those who are no peer, by the network that
    looks. network: its own."""

    network: str
    runner: str
    peers: tuple[int, ...]
    strangers: Mapping[str, int]

    def meeting(self, other: Party) -> list[tuple[int, int]]:
        """Pairs of classes, this one's first; who is no peer is what the other's network says."""
        pairs = [(one, two) for one in self.peers for two in other.peers]
        if self.network in other.strangers:
            pairs += ((one, other.strangers[self.network]) for one in self.peers)
        if other.network in self.strangers:
            pairs += ((self.strangers[other.network], two) for two in other.peers)
        shared = sorted(set(self.strangers) & set(other.strangers))
        return pairs + [(self.strangers[network], other.strangers[network]) for network in shared[:1]]


class Known:
    """What is said between classes. flags: of their endpoints."""

    def __init__(self, flags: Sequence[int]) -> None:
        self.flags = flags
        self._lines: dict[tuple[int, int], dict[_Key, Outcome]] = {}

    def learn(self, source: int, destination: int, lines: Iterable[Line]) -> None:
        self._lines[source, destination] = {(line.protocol, line.port): line.outcome for line in lines}

    def absent(self, source: int, destination: int) -> Outcome:
        observed = self.flags[source] & OBSERVES_EGRESS and self.flags[destination] & OBSERVES_INGRESS
        return Outcome(DENY, int(bool(observed)), 0)

    def said(self, pair: tuple[int, int], protocol: int, port: int) -> Outcome:
        """As whoever judges a packet asks."""
        if not (self.flags[pair[0]] | self.flags[pair[1]]) & PEER:
            return _ALLOWED
        lines = self._lines.get(pair, {})
        for key in ((protocol, port), (ANY_PROTOCOL, protocol), _WIDEST):
            if key in lines:
                return lines[key]
        return self.absent(*pair)

    def together(self, pairs: Sequence[tuple[int, int]], choice: _Choice, absent: Outcome) -> Iterator[Line]:
        """What several pairs come to. absent: where there is no line."""
        keys = {key for pair in pairs for key in self._lines.get(pair, ())}
        protocols = {protocol if protocol != ANY_PROTOCOL else port for protocol, port in keys - {_WIDEST}}

        def chosen(protocol: int, port: int) -> Outcome:
            return choice(self.said(pair, protocol, port) for pair in pairs)

        widest = chosen(*_WIDEST)
        if widest != absent:
            yield Line(*_WIDEST, widest)
        for protocol in sorted(protocols):
            wide = chosen(ANY_PROTOCOL, protocol)
            if wide != widest:
                yield Line(ANY_PROTOCOL, protocol, wide)
            for _protocol, port in sorted(key for key in keys if key[0] == protocol):
                outcome = chosen(protocol, port)
                if outcome != wide:
                    yield Line(protocol, port, outcome)


def one_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Passes if one does, and without a record if one does so."""
    return max(outcomes, key=lambda found: (*_passing(found), -(found.rule or _LAST)))


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Passes if all do, without a record if all do so."""
    return min(outcomes, key=lambda found: (*_passing(found), found.rule or _LAST))


def _passing(outcome: Outcome) -> tuple[int, int]:
    return outcome.verdict, outcome.observed


class Composite(NamedTuple):
    """name: of its class. party: who can be there."""

    name: int
    party: Party


class Composites:
    """names: of classes, by position. others: all classes, each as who is there."""

    def __init__(
        self, known: Known, names: Sequence[int], others: Sequence[Party], composites: Sequence[Composite]
    ) -> None:
        self._known = known
        self._names = names
        self._others = others
        self._composites = composites

    def lines(self) -> Iterator[tuple[int, int, Line]]:
        """(source, destination) by the names of their classes."""
        denied = Outcome(DENY, 0, 0)
        for found in self._composites:
            for place, other in enumerate(self._others):
                if not _meet(found.party, other):
                    continue
                name = self._names[place]
                choice = all_of if other.runner else one_of
                for line in self._known.together(found.party.meeting(other), choice, denied):
                    yield found.name, name, line
                for line in self._known.together(other.meeting(found.party), one_of, denied):
                    yield name, found.name, line
                if other.runner and other.peers:
                    yield from self._between(found.party, place)
            for another in self._composites:
                if another.party.runner != found.party.runner:
                    pairs = found.party.meeting(another.party)
                    for line in self._known.together(pairs, one_of, denied) if pairs else ():
                        yield found.name, another.name, line

    def _between(self, party: Party, place: int) -> Iterator[tuple[int, int, Line]]:
        """No host sees who both are: this is what comes of it."""
        pairs = party.meeting(self._others[place])
        for source in party.peers:
            for line in self._known.together(pairs, all_of, self._known.absent(source, place)):
                yield self._names[source], self._names[place], line

    def lost(self) -> Iterator[tuple[int, int, str]]:
        """(sender, receiver, the receiver's runner) who may speak by the policies, and cannot: classes by position."""
        for found in self._composites:
            for place, other in enumerate(self._others):
                if not other.runner or not other.peers or not _meet(found.party, other):
                    continue
                pairs = found.party.meeting(other)
                for source in found.party.peers:
                    if self._is_lost((source, place), pairs):
                        yield source, place, other.runner

    def _is_lost(self, pair: tuple[int, int], pairs: Sequence[tuple[int, int]]) -> bool:
        own = {line[:2] for line in self._known.together([pair], all_of, self._known.absent(*pair))} | {_WIDEST}
        return any(
            self._known.said(pair, *key).verdict == ALLOW
            and all_of(self._known.said(one, *key) for one in pairs).verdict != ALLOW
            for key in own
        )


def _meet(party: Party, other: Party) -> bool:
    """Whether other hosts than the runner see packets between them."""
    if other.runner == party.runner or not party.meeting(other):
        return False
    return bool(other.peers) or party.network in other.strangers
