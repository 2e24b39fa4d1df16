# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Answers to questions about policies, in words: who may, or may not, and by which rule or for want of which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...intent.policy_test import is_address
from ...intent.question import Question
from ...intent.references import listed
from ...model.policy import ALLOW, NETWORK, NOBODY, PROTOCOLS, Identity, PolicyMaps
from .explain import Explainer, is_peer
from .judge import Explanation
from .permissions import Permissions, Side
from .prefix import prefix_of
from .rules import EGRESS, INGRESS

# In the order in which a table of peers names them.
VERDICTS = ALLOWED, OBSERVED, DENIED = ("allow", "observed", "deny")


class Answer(NamedTuple):
    """About two parts of what was asked about, which the maps tell apart. sides: what each of them permits; (): it is
    not known, or does not matter."""

    found: Explanation
    sides: tuple[Side, ...] = ()

    def verdict(self) -> str:
        if self.found.verdict == ALLOW:
            return ALLOWED
        return OBSERVED if self.found.observed else DENIED


def answers(asked: Question, explainer: Explainer, permissions: Permissions | None) -> tuple[Answer, ...]:
    """permissions: None: the intent is not known."""
    packet = (PROTOCOLS[asked.service.protocol], asked.service.port)
    found = tuple(map(Answer, explainer.explain(asked.source, asked.destination, *packet)))
    return found if permissions is None else tuple(sided(asked, one, permissions) for one in found)


def sided(asked: Question, answer: Answer, permissions: Permissions) -> Answer:
    """With its sides."""
    if answer.found.reason == NETWORK:
        return answer
    packet = (PROTOCOLS[asked.service.protocol], asked.service.port)
    return answer._replace(sides=permissions.sides(answer.found, *packet))


class Words:
    """Of what maps say."""

    def __init__(self, maps: PolicyMaps) -> None:
        self._networks = {network.number: network.name for network in maps.networks}

    def lines(self, asked: Question, said: Sequence[Answer]) -> list[str]:
        """One, or one for each two parts where not the same is true of all."""
        if not said:
            why = "they have no addresses of one family that it could be between"
            return [f"{asked.source} → {asked.destination}, {asked.service}: neither allowed nor denied, {why}"]
        several = len({self.told(answer) for answer in said}) > 1
        lines = (self.line(asked, answer, several=several) for answer in said)
        return list(dict.fromkeys(lines))

    def line(self, asked: Question, answer: Answer, *, several: bool) -> str:
        """several: something else is true of other parts, so it says which these are."""
        found = answer.found
        one = self._end(asked.source, found.source, found.source_prefix if several else "")
        other = self._end(asked.destination, found.destination, found.destination_prefix if several else "")
        return f"{one} → {other}, {asked.service}: {self.told(answer)}"

    def _end(self, asked: str, found: Identity, prefix: str) -> str:
        """prefix: "": it need not be said."""
        if not is_address(asked):
            return self._named(found) + (f" at {prefix_of(prefix).shown()}" if prefix else "")
        if is_peer(found):
            return f"{self._named(found)} at {asked}"
        if found.number == NOBODY:
            return asked
        return f"{asked} in {self._named(found)}" if is_address(found.name) else f"{asked} ({found.name})"

    def _named(self, found: Identity) -> str:
        return f"{found.name} ({self._networks[found.network]})"

    def told(self, answer: Answer) -> str:
        """What comes of a packet, and why."""
        found = answer.found
        if found.verdict == ALLOW:
            return self._allowed(answer)
        verb = "passes and is recorded, for it is only observed; else denied" if found.observed else "denied"
        if found.rule is not None:
            return f"{verb} by {found.rule.path()}"
        if found.reason == NETWORK:
            return f"{verb}: {self._apart(found)}"
        return f"{verb}: {_lacking(answer)}"

    def _allowed(self, answer: Answer) -> str:
        if answer.found.rule is None:
            return "passes, for neither end is a peer, and policies are about peers"
        by = f"allowed by {answer.found.rule.path()}"
        for side in answer.sides:
            if side.rule is not None and side.rule != answer.found.rule:
                by += f", and by {side.rule.path()}"
        return by

    def _apart(self, found: Explanation) -> str:
        """Why two ends do not reach each other."""
        if NOBODY in (found.source.number, found.destination.number):
            return "peers of several networks have this address, none of them in reach of the other end"
        one, other = (self._networks[end.network] for end in (found.source, found.destination))
        if one == other:
            return f"{one} does not know them by these addresses, but another network does"
        return f"{one} and {other} are not peered"


def _lacking(answer: Answer) -> str:
    """Of which peer which permission is missing; all that may be, where the intent is not known."""
    if answer.sides:
        return ", and ".join(_lack(side) for side in answer.sides if side.rule is None)
    return ", or ".join(f"no rule of {peer}'s {direction} allows it" for direction, peer in _policed(answer.found))


def _lack(side: Side) -> str:
    policies = f"policies that select {side.peer}: {listed(side.policies)}"
    if not side.policies:
        policies = f"no policy with {side.direction} selects {side.peer}"
    return f"no rule of {side.peer}'s {side.direction} allows it ({policies})"


def _policed(found: Explanation) -> Iterator[tuple[str, str]]:
    """(direction, peer): without a peer, nothing has to allow it."""
    for direction, end in ((INGRESS, found.destination), (EGRESS, found.source)):
        if is_peer(end):
            yield direction, end.name
