# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the rules about one pair of classes come to, in the fewest lines.

A denial, by a rule or for want of one, is either enforced or observed. One that is enforced drops the packet, whatever
else there is; only where all are observed it passes, recorded. A rule that denies is named before the want of one that
allows, the lowest number first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...model.policy import ALLOW, ANY_PROTOCOL, DENY, OBSERVES_EGRESS, OBSERVES_INGRESS, PEER
from .bits import positions
from .ports import Coverage, PortClasses
from .rules import EGRESS, NumberedRule


class Outcome(NamedTuple):
    """As in a verdict."""

    verdict: int
    observed: int
    rule: int


class Line(NamedTuple):
    """Of a verdict, all but the classes."""

    protocol: int
    port: int
    outcome: Outcome


# No rule has this number.
_NONE = 1 << 32


class _Said(NamedTuple):
    """The lowest numbers of rules that deny, enforced or observed, and that allow, of one side and the other."""

    enforced: int = _NONE
    observed: int = _NONE
    egress: int = _NONE
    ingress: int = _NONE

    def and_also(self, other: _Said) -> _Said:
        return _Said(*map(min, self, other))


def _said(rule: NumberedRule) -> _Said:
    if rule.allows:
        return _Said(egress=rule.number) if rule.direction == EGRESS else _Said(ingress=rule.number)
    return _Said(observed=rule.number) if rule.observed else _Said(enforced=rule.number)


class _Ends(NamedTuple):
    """Flags of both endpoints."""

    source: int
    destination: int

    def absent(self) -> Outcome:
        """Where no rule says anything."""
        observed = self.source & OBSERVES_EGRESS and self.destination & OBSERVES_INGRESS
        return Outcome(DENY, int(bool(observed)), 0)

    def outcome(self, said: _Said) -> Outcome:
        missing = []
        if self.source & PEER and said.egress == _NONE:
            missing.append(self.source & OBSERVES_EGRESS)
        if self.destination & PEER and said.ingress == _NONE:
            missing.append(self.destination & OBSERVES_INGRESS)
        if said.enforced != _NONE or not all(missing):
            return Outcome(DENY, 0, said.enforced % _NONE)
        if said.observed != _NONE or missing:
            return Outcome(DENY, 1, said.observed % _NONE)
        return Outcome(ALLOW, 0, (said.ingress if self.destination & PEER else said.egress) % _NONE)


class Lines:
    """Asked with the same rules for many pairs, it thinks once."""

    def __init__(self, rules: Sequence[NumberedRule], ports: PortClasses) -> None:
        self._rules = rules
        self._ports = ports
        self._known: dict[tuple[int, int, int, int], tuple[Line, ...]] = {}

    def of(self, egress: int, ingress: int, source: int, destination: int) -> tuple[Line, ...]:
        """egress, ingress: rules as bits. source, destination: flags of the endpoints."""
        key = (egress, ingress, source, destination)
        if key not in self._known:
            rules = [self._rules[position] for position in positions(egress | ingress)]
            covered = [(_said(rule), self._ports.coverage(rule.ports)) for rule in rules]
            self._known[key] = tuple(_lines(covered, _Ends(source, destination)))
        return self._known[key]


def _lines(covered: Sequence[tuple[_Said, Coverage]], ends: _Ends) -> Iterator[Line]:
    """A line that says what the wider one says is left out."""
    everything = _Said()
    whole: dict[int, _Said] = {}
    parts: dict[int, dict[int, _Said]] = {}
    for said, coverage in covered:
        if coverage.everything:
            everything = everything.and_also(said)
        for protocol in coverage.whole:
            whole[protocol] = whole.get(protocol, said).and_also(said)
        for protocol, ports in coverage.parts.items():
            found = parts.setdefault(protocol, {})
            for port in ports:
                found[port] = found.get(port, said).and_also(said)
    widest = ends.outcome(everything)
    if widest != ends.absent():
        yield Line(ANY_PROTOCOL, 0, widest)
    for protocol in sorted({*whole, *parts}):
        common = everything.and_also(whole.get(protocol, everything))
        wide = ends.outcome(common)
        if wide != widest:
            yield Line(ANY_PROTOCOL, protocol, wide)
        for port, said in sorted(parts.get(protocol, {}).items()):
            outcome = ends.outcome(common.and_also(said))
            if outcome != wide:
                yield Line(protocol, port, outcome)
