# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the maps say of a packet, from the maps alone: what a host's programs do with a new one, and why."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from ...model.policy import (
    ALLOW,
    ANY_PROTOCOL,
    ASTRAY,
    DENY,
    EVERY_NETWORK,
    LOCAL,
    NETWORK,
    NO_ATTACHMENT,
    NO_RULE,
    NOBODY,
    OBSERVES_EGRESS,
    OBSERVES_INGRESS,
    PEER,
    RULE,
    SHADOW,
    SOURCE,
    UNPOLICED,
    WITH_PORTS,
    WITH_TYPES,
    WORLD,
    Endpoint,
    Identity,
    Place,
    PolicyMaps,
    Reason,
    RuleName,
    mapped,
)
from .reflection import Reflections

# The end of a packet that nobody may have sent, or that peers of several networks may be.
_UNKNOWN = Identity(NOBODY, "unknown", 0)


class Explanation(NamedTuple):
    """verdict: ALLOW or DENY. observed: whether it is denied and passes all the same. reason: of a denial, None: it is
    allowed. rule: that decides, None: none does. source_prefix, destination_prefix: the entries that the addresses were
    found by, "": they are in none."""

    verdict: int
    observed: bool
    reason: Reason | None
    rule: RuleName | None
    source: Identity
    destination: Identity
    source_prefix: str
    destination_prefix: str


class End(NamedTuple):
    """One end of a packet. prefix: as in an explanation. foreign: whether it is a peer that the other end's network
    does not reach."""

    endpoint: Endpoint
    prefix: str
    foreign: bool = False

    def is_peer(self) -> bool:
        """Whether it is one that the other end's network reaches."""
        return not self.foreign and bool(self.endpoint.flags & PEER)

    def is_shadow(self) -> bool:
        """Whether it has another address in its own network."""
        return bool(self.endpoint.flags & SHADOW)


class _Places:
    """Endpoints by scope; the longest prefix counts."""

    def __init__(self, places: Iterable[Place]) -> None:
        found: dict[int, dict[int, dict[int, End]]] = {}
        for scope, prefix, endpoint in places:
            address, length = mapped(prefix)
            found.setdefault(scope, {}).setdefault(length, {})[address >> 128 - length] = End(endpoint, prefix)
        self._scopes = {scope: sorted(lengths.items(), reverse=True) for scope, lengths in found.items()}

    def find(self, scope: int, address: str) -> End | None:
        number, _length = mapped(address)
        for length, ends in self._scopes.get(scope, ()):
            end = ends.get(number >> 128 - length)
            if end is not None:
                return end
        return None


class Judge:
    """Of one generation of maps. network, attachment: numbers; protocol: likewise. port: the destination's, or the type
    of an ICMP message; of other protocols it does not matter."""

    def __init__(self, maps: PolicyMaps) -> None:
        self._rules = maps.rules
        self._identities = {identity.number: identity for identity in maps.identities}
        self._destinations = _Places(maps.destinations)
        self._sources = _Places(maps.sources)
        self._reflections = Reflections(maps.shadows)
        self._attachments = {attachment.number: attachment.network for attachment in maps.attachments}
        self._verdicts = {tuple(verdict[:4]): verdict[4:] for verdict in maps.verdicts}
        self._ports: dict[int, tuple[list[int], list[int]]] = {protocol: ([], []) for protocol in WITH_PORTS}
        for protocol, first, class_ in maps.port_classes:
            starts, classes = self._ports[protocol]
            starts.append(first)
            classes.append(class_)

    def judge(self, network: int, source: str, destination: str, protocol: int, port: int) -> Explanation:
        """Between two addresses, as a network sees them. EVERY_NETWORK: the packet is of none; then the network is that
        of the only peer at one of them."""
        if network == EVERY_NETWORK:
            network = self._network_of(source) or self._network_of(destination)
        one, other = self.end(network, source), self.end(network, destination)
        # Who is at the other end, is what a peer's own network says.
        if one.is_peer():
            return self._from_peer(
                one, network if one.is_shadow() else one.endpoint.network, destination, protocol, port
            )
        if other.is_peer() and not one.foreign:
            one = self._as_seen_by(other.endpoint.network, network, source)
        return self.between(one, other, protocol, port)

    def _from_peer(self, one: End, met: int, destination: str, protocol: int, port: int) -> Explanation:
        """met: the network whose addresses the packet has."""
        other = self.end(met, destination)
        if one.is_shadow() and not other.foreign:
            # It was translated for somebody of that network, and once.
            if other.endpoint.flags & (PEER | SHADOW) and other.endpoint.network != met:
                return self._denied(ASTRAY, one, other)
            if not other.is_peer():
                other = self._as_seen_by(self._identities[one.endpoint.identity].network, met, destination)
        return self.between(one, other, protocol, port)

    def _as_seen_by(self, network: int, met: int, address: str) -> End:
        """Who is no peer, in the eyes of the other end's network. met: in which it has this address."""
        return self.end(network, self._reflections.seen(network, met, address))

    def judge_at(
        self, attachment: int, source: str, destination: str, protocol: int, port: int, network: int = EVERY_NETWORK
    ) -> Explanation:
        """Of a packet that came in by an attachment. network: for one of NO_ATTACHMENT, that of the interface by which
        it leaves, if that is of one."""
        speaker = self._sources.find(attachment, source)
        if attachment != NO_ATTACHMENT:
            network = self._attachments[attachment]
        if speaker is not None and speaker.is_peer():
            return self._from_peer(speaker, speaker.endpoint.network, destination, protocol, port)
        if speaker is not None and speaker.is_shadow():
            network = speaker.endpoint.network
        network = network or self._network_of(destination)
        other = self.end(network, destination)
        if other.is_peer() and not other.is_shadow():
            network = other.endpoint.network
        behind = other.is_shadow() and not other.foreign
        one = self._as_seen_by(other.endpoint.network if behind else network, network, source)
        # What is no peer may come from where nobody is policed. Peers do so only where they are known to.
        unknown = attachment != NO_ATTACHMENT if speaker is None else speaker.endpoint.identity == NOBODY
        if unknown or one.foreign or one.is_peer():
            return self._denied(SOURCE, End(Endpoint(NOBODY, 0, 0, 0), ""), other)
        if speaker is not None:
            one = one._replace(endpoint=one.endpoint._replace(identity=speaker.endpoint.identity))
        return self.between(one, self.end(network, destination), protocol, port)

    def end(self, network: int, address: str) -> End:
        """Who an address is for a network."""
        found = self._destinations.find(network, address)
        if found is None:
            found = End(Endpoint(WORLD, WORLD, network, UNPOLICED), "")
        if not found.endpoint.flags & (PEER | LOCAL):
            elsewhere = self._destinations.find(EVERY_NETWORK, address)
            # A host of ours among its peers is not one of them.
            if elsewhere is not None and not elsewhere.endpoint.flags & LOCAL:
                return elsewhere._replace(foreign=True)
        return found

    def _network_of(self, address: str) -> int:
        """Of the only peer that has it; 0: there is none, or there are several."""
        found = self._destinations.find(EVERY_NETWORK, address)
        return found.endpoint.network if found is not None and found.is_peer() else 0

    def between(self, source: End, destination: End, protocol: int, port: int) -> Explanation:
        """Of ends that see each other, or are foreign."""
        if source.foreign or destination.foreign:
            return self._denied(NETWORK, source, destination)
        verdict, observed, number = self._line(source.endpoint, destination.endpoint, protocol, port)
        rule = self._rules[number - 1] if number else None
        if verdict == ALLOW:
            return self._told(ALLOW, source, destination)._replace(rule=rule)
        denied = self._denied(NO_RULE if rule is None else RULE, source, destination)
        return denied._replace(observed=bool(observed), rule=rule)

    def _line(self, source: Endpoint, destination: Endpoint, protocol: int, port: int) -> tuple[int, ...]:
        """(verdict, observed, rule)."""
        if not (source.flags | destination.flags) & PEER:
            return ALLOW, 0, 0
        pair = (source.class_, destination.class_)
        for key in ((protocol, self._port_class(protocol, port)), (ANY_PROTOCOL, protocol), (ANY_PROTOCOL, 0)):
            found = self._verdicts.get((*pair, *key))
            if found is not None:
                return found
        observed = source.flags & OBSERVES_EGRESS and destination.flags & OBSERVES_INGRESS
        return DENY, int(bool(observed)), 0

    def _port_class(self, protocol: int, port: int) -> int:
        if protocol in WITH_PORTS:
            starts, classes = self._ports[protocol]
            return classes[bisect_right(starts, port) - 1]
        return port if protocol in WITH_TYPES else 0

    def _denied(self, reason: Reason, source: End, destination: End) -> Explanation:
        return self._told(DENY, source, destination)._replace(reason=reason)

    def _told(self, verdict: int, source: End, destination: End) -> Explanation:
        one, other = (self._identities.get(end.endpoint.identity, _UNKNOWN) for end in (source, destination))
        return Explanation(verdict, False, None, None, one, other, source.prefix, destination.prefix)
