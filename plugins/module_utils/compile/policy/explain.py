# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the maps say between peers by their names."""

from __future__ import annotations

from collections.abc import Iterator

from ...intent.policy_test import is_address
from ...model.policy import (
    EVERY_NETWORK,
    FIRST_IDENTITY,
    PROTOCOLS,
    Endpoint,
    Identity,
    PolicyMaps,
)
from .judge import End, Explanation, Judge

# An ICMP message is of its own family.
_FAMILY_OF = {PROTOCOLS["ICMP"]: 4, PROTOCOLS["ICMPv6"]: 6}


def is_peer(identity: Identity) -> bool:
    """The other identities are prefixes, all that nobody declares, hosts, and the containers of a runner."""
    return identity.number >= FIRST_IDENTITY and not is_address(identity.name) and not set("/ ") & set(identity.name)


def peers_of(maps: PolicyMaps) -> list[Identity]:
    """Every peer that maps know, also one without an address, by name."""
    return sorted(filter(is_peer, maps.identities), key=lambda one: one.name)


class Explainer:
    """Knows who is where, and who sees whom."""

    def __init__(self, maps: PolicyMaps) -> None:
        self._judge = Judge(maps)
        self._ends: dict[str, list[End]] = {}
        self._sees: set[tuple[int, int]] = set()
        names = {identity.number: identity.name for identity in maps.identities}
        # Parts that only their prefixes tell apart are one, known by the first of them.
        parts: set[tuple[int, Endpoint]] = set()
        for scope, prefix, endpoint in (*maps.destinations, *maps.speakers):
            end = End(endpoint, prefix)
            if scope != EVERY_NETWORK and end.is_peer():
                self._sees.add((scope, endpoint.identity))
                part = (_family(prefix), endpoint)
                if scope == endpoint.network and part not in parts:
                    parts.add(part)
                    self._ends.setdefault(names[endpoint.identity], []).append(end)

    def explain(self, source: str, destination: str, protocol: int, port: int) -> tuple[Explanation, ...]:
        """source, destination: names of peers, or addresses. One explanation for each two parts of them that the maps
        tell apart; (): a peer has no address, or they have none of one family (of the protocol's, for ICMP)."""
        if is_address(source) and is_address(destination):
            return (self._judge.judge(EVERY_NETWORK, source, destination, protocol, port),)
        found: dict[tuple[object, ...], Explanation] = {}
        for one, other in self._pairs(source, destination):
            family = _family(one.prefix or source)
            if _FAMILY_OF.get(protocol, family) == family == _family(other.prefix or destination):
                key = (family, one.endpoint, other.endpoint, other.foreign)
                if key not in found:
                    found[key] = self._judge.between(one, other, protocol, port)
        return tuple(found.values())

    def _pairs(self, source: str, destination: str) -> Iterator[tuple[End, End]]:
        if is_address(source):
            for end in self._ends.get(destination, ()):
                yield self._judge.end(end.endpoint.network, source), end
        elif is_address(destination):
            for end in self._ends.get(source, ()):
                yield end, self._judge.end(end.endpoint.network, destination)
        else:
            for one in self._ends.get(source, ()):
                for other in self._ends.get(destination, ()):
                    foreign = (one.endpoint.network, other.endpoint.identity) not in self._sees
                    yield one, other._replace(foreign=foreign)


def _family(text: str) -> int:
    return 6 if ":" in text else 4
