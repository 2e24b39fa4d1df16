# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Records of denied packets have numbers; the policy that judged them has the names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from ...kernel.bpf.records import Event
from ...model.audit import UNKNOWN, Denial
from ...model.policy import NO_ATTACHMENT, NOBODY, PROTOCOLS, REASONS, WITH_PORTS, WITH_TYPES, PolicyMaps

_REASONS = {reason.number: reason.name for reason in REASONS}
_PROTOCOLS = {number: name for name, number in PROTOCOLS.items()}
_DIRECTIONS = ("ingress", "egress")
_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
# Protocol 0 is IPv6's hop-by-hop header, which a packet that ends there has; of IPv4 it says that nothing was read.
_UNREAD = 0

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Records say no more of a generation than that.
GENERATION_BITS = 0xFF
# What was judged longer ago than so many generations cannot be told from what will be.
_KEPT = 16


class Names:
    """Of one generation, on one host."""

    def __init__(self, host: str, maps: PolicyMaps) -> None:
        self.host = host
        self._identities = {identity.number: identity.name for identity in maps.identities}
        self._networks = {network.number: network.name for network in maps.networks}
        self._interfaces = {found.number: found.interface for found in maps.attachments}
        self._rules = tuple(rule.path() for rule in maps.rules)

    def without_rules(self) -> Names:
        """For what another generation judged: numbers of identities and networks stay, those of rules do not."""
        other = Names(self.host, PolicyMaps())
        other._identities, other._networks = self._identities, self._networks
        other._interfaces = self._interfaces
        return other

    def has_all(self, event: Event) -> bool:
        """Whether it can be named without the policy that judged it: no rule decided, and everybody is known."""
        known = {NOBODY, *self._identities}
        everybody = {event.source_identity, event.destination_identity} <= known
        return not event.rule and everybody and event.network in {0, *self._networks}

    def identity(self, number: int) -> str:
        return UNKNOWN if number == NOBODY else self._identities.get(number, f"identity {number}")

    def denial(self, event: Event, began: int, link: Callable[[int], str | None]) -> Denial:
        """began: when the host did, nanoseconds since 1970. link: the name of an interface by its index; None: there
        is no such interface any more."""
        ports = event.protocol in WITH_PORTS and bool(event.source_port or event.destination_port)
        return Denial(
            time=moment(began + event.time),
            host=self.host,
            reason=reason_name(event.reason),
            source=self.identity(event.source_identity),
            destination=self.identity(event.destination_identity),
            interface=link(event.interface) or self._interface(event),
            direction=_DIRECTIONS[event.direction] if event.direction < len(_DIRECTIONS) else str(event.direction),
            length=event.length,
            observed=bool(event.observed),
            network=self._networks.get(event.network, f"network {event.network}") if event.network else None,
            source_address=event.source or None,
            source_port=event.source_port if ports else None,
            destination_address=event.destination or None,
            destination_port=event.destination_port if ports else None,
            protocol=_protocol(event),
            type=event.type if event.protocol in WITH_TYPES else None,
            rule=self._rule(event.rule),
        )

    def _interface(self, event: Event) -> str:
        if event.attachment == NO_ATTACHMENT:
            return f"interface {event.interface}"
        return self._interfaces.get(event.attachment, f"interface {event.interface}")

    def _rule(self, number: int) -> str | None:
        """Rule n is the n-th, from 1."""
        if not number:
            return None
        return self._rules[number - 1] if number <= len(self._rules) else f"rule {number}"


def reason_name(number: int) -> str:
    return _REASONS.get(number, f"reason {number}")


def _protocol(event: Event) -> str | None:
    if event.ethertype == _ARP:
        return "ARP"
    if event.ethertype not in {_IPV4, _IPV6}:
        return f"ethertype {event.ethertype:#06x}" if event.ethertype else None
    if event.protocol == _UNREAD:
        return None
    return _PROTOCOLS.get(event.protocol, f"protocol {event.protocol}")


def moment(nanoseconds: int) -> str:
    """Since 1970, UTC: ``2026-11-21T19:20:21.000042Z``."""
    found = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Generations:
    """Which names a record has to be read by: its generation says, if it was seen judging and its policy was seen."""

    def __init__(self) -> None:
        self._policies: dict[str, Names] = {}
        self._stamps: dict[int, str] = {}
        self._newest: Names | None = None

    def policy(self, stamp: str, names: Names) -> None:
        """A policy is stored on this host, of which the kernel's stamp is known."""
        self._policies.pop(stamp, None)
        self._policies[stamp] = names
        for old in list(self._policies)[:-_KEPT]:
            del self._policies[old]
        self._newest = names

    def judges(self, generation: int, stamp: str) -> None:
        """A generation was seen judging."""
        self._stamps = {old: said for old, said in self._stamps.items() if 0 <= generation - old < _KEPT}
        self._stamps[generation] = stamp

    def known(self, event: Event) -> Names | None:
        """The names of the generation that judged, or others that are as good; None: there are none, or not yet."""
        for generation, stamp in self._stamps.items():
            if generation & GENERATION_BITS == event.generation and stamp in self._policies:
                return self._policies[stamp]
        newest = self._newest
        return newest if newest is not None and newest.has_all(event) else None

    def nearest(self, event: Event) -> Names | None:
        """The same, or else as much as is sure; None: no policy was seen at all."""
        return self.known(event) or (self._newest and self._newest.without_rules())

    def newest(self) -> Names | None:
        return self._newest
