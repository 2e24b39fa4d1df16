# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What one host adds to the maps: its policed interfaces, and for which addresses each of them may speak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...model.errors import Fault
from ...model.policy import (
    EVERY_NETWORK,
    HOST,
    LAYER_3,
    NO_ATTACHMENT,
    NOBODY,
    PEER,
    UNPOLICED,
    WORLD,
    Attachment,
    Endpoint,
    Place,
    PolicyMaps,
)
from .prefix import Forest, Prefix, inhabited, nested, prefix_of

NO_ENDPOINT = Endpoint(NOBODY, 0, 0, 0)
_WORLD = Endpoint(WORLD, WORLD, 0, UNPOLICED)
# For policies it is as the world is.
_HOST = Endpoint(HOST, WORLD, 0, UNPOLICED)


class Interface(NamedTuple):
    """number: of the attachment, from 1; it has to stay the same as long as the interface does. flags: as of an
    attachment.

    peers: names of those that speak there, with all of their addresses. None: speaks says it, prefixes and addresses
    of which peers have some and the rest is the world's, but for silent, which do not speak there. The longest counts,
    and of two that are equal silence.
    """

    number: int
    flags: int
    peers: tuple[str, ...] | None = None
    speaks: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


class Itself(NamedTuple):
    """unpoliced: who speaks by interfaces that are not policed, and is the host itself; that others there are the world
    goes without saying. addresses: the host's own, bare. hosts: of all hosts of ours."""

    unpoliced: Interface = Interface(NO_ATTACHMENT, 0)
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


NOBODY_ELSE = Itself()


class HostPolicy(NamedTuple):
    """With faults, maps is not whole."""

    maps: PolicyMaps
    faults: tuple[Fault, ...]


class _Part(NamedTuple):
    """Of a peer: what it has at one prefix."""

    name: str
    prefix: Prefix
    endpoint: Endpoint


class _Spoken(NamedTuple):
    """endpoints: by prefix. wrong: in words."""

    endpoints: dict[Prefix, Endpoint]
    wrong: list[str]

    def network(self) -> int:
        """Of all that speak there; 0: of several, or there are others."""
        speakers = [endpoint for endpoint in self.endpoints.values() if endpoint.identity != NOBODY]
        networks = {endpoint.network for endpoint in speakers}
        return networks.pop() if len(networks) == 1 else 0


def with_interfaces(
    maps: PolicyMaps,
    host: str,
    interfaces: Mapping[str, Interface],
    itself: Itself = NOBODY_ELSE,
) -> HostPolicy:
    """The maps of a host, from those of the domain. interfaces: by name."""
    parts = _Parts(maps, frozenset(map(prefix_of, itself.hosts)))
    spoken = parts.spoken(itself.unpoliced)
    own = dict(_said(spoken.endpoints))
    for prefix in map(prefix_of, itself.addresses):
        if own.get(prefix, _WORLD) == _WORLD:
            own[prefix] = _HOST
    faults = [Fault(host, "the host itself", message) for message in spoken.wrong]
    sources = [(NO_ATTACHMENT, *item) for item in own.items()]
    attachments: list[Attachment] = []
    for name, interface in sorted(interfaces.items()):
        spoken = parts.spoken(interface)
        attachments.append(Attachment(name, interface.number, spoken.network(), interface.flags))
        faults += (Fault(host, f"interface {name}", message) for message in spoken.wrong)
        sources += ((interface.number, *item) for item in spoken.endpoints.items())
    places = tuple(Place(number, str(prefix), endpoint) for number, prefix, endpoint in sorted(sources))
    return HostPolicy(maps._replace(attachments=tuple(attachments), sources=places), tuple(faults))


class _Parts:
    """Of all peers, their parts by prefix."""

    def __init__(self, maps: PolicyMaps, hosts: frozenset[Prefix]) -> None:
        names = {identity.number: identity.name for identity in maps.identities}
        parts: dict[Prefix, list[_Part]] = {}
        self._of: dict[str, list[_Part]] = {}
        for scope, text, endpoint in maps.destinations:
            if scope != EVERY_NETWORK and scope == endpoint.network and endpoint.flags & PEER:
                part = _Part(names[endpoint.identity], prefix_of(text), endpoint)
                parts.setdefault(part.prefix, []).append(part)
                self._of.setdefault(part.name, []).append(part)
        self._parts = Forest(parts)
        # Those that lie inside of a peer's prefix and are not the peer.
        self._hosts = Forest({host: None for host in hosts if self._parts.innermost(host) is not None})

    def spoken(self, interface: Interface) -> _Spoken:
        speaks = {prefix_of(text): True for text in interface.speaks}
        for name in interface.peers or ():
            speaks.update((part.prefix, True) for part in self._of.get(name, ()))
        ground = {**speaks, **dict.fromkeys(map(prefix_of, interface.silent), False)}
        there = self._there(interface, speaks)
        found = _Spoken({}, [])
        clashes: dict[tuple[str, str], str] = {}
        hosts = {host for prefix in speaks for host in self._hosts.within(prefix)}
        places = dict.fromkeys((*ground, *there, *hosts))
        lived_in = inhabited(places)
        for prefix, around in nested(places):
            chain = (prefix, *reversed(around))
            if not next((ground[holder] for holder in chain if holder in ground), False):
                if prefix in ground:
                    found.endpoints[prefix] = NO_ENDPOINT
                continue
            holders = _innermost(
                part for holder in (chain[:1] if prefix in hosts else chain) for part in there.get(holder, ())
            )
            speakers = [part for part in holders if interface.peers is None or part.name in interface.peers]
            # Where anybody may speak, what is not theirs is as if they were not there.
            anybody = interface.peers is None or interface.number == NO_ATTACHMENT
            nobody = _WORLD if anybody else NO_ENDPOINT
            found.endpoints[prefix] = speakers[0].endpoint if speakers else nobody
            # Where longer prefixes hold all of it, only those count.
            for other in speakers[1:] if prefix in lived_in else ():
                clashes.setdefault(*_clash(speakers[0], other, _way_out(interface)))
        found.wrong.extend(clashes.values())
        return found

    def _there(self, interface: Interface, speaks: Iterable[Prefix]) -> dict[Prefix, list[_Part]]:
        """Parts that have to do with these prefixes."""
        prefixes = {near for prefix in speaks for near in (*self._parts.around(prefix), *self._parts.within(prefix))}
        if interface.peers is None:
            return {prefix: self._parts.values[prefix] for prefix in prefixes}
        # What other networks have there is not meant.
        networks = {part.endpoint.network for name in interface.peers for part in self._of.get(name, ())}
        parts = ((prefix, self._parts.values[prefix]) for prefix in prefixes)
        near = {prefix: [part for part in found if part.endpoint.network in networks] for prefix, found in parts}
        return {prefix: found for prefix, found in near.items() if found}


def _said(endpoints: Mapping[Prefix, Endpoint]) -> Iterator[tuple[Prefix, Endpoint]]:
    """Without the world, where nothing wider says otherwise."""
    for prefix, around in nested(endpoints):
        if endpoints[prefix] != _WORLD or any(endpoints[holder] != _WORLD for holder in around):
            yield prefix, endpoints[prefix]


def _innermost(parts: Iterable[_Part]) -> list[_Part]:
    """The first of each network."""
    found: dict[int, _Part] = {}
    for part in parts:
        found.setdefault(part.endpoint.network, part)
    return list(found.values())


def _way_out(interface: Interface) -> str:
    if interface.number == NO_ATTACHMENT:
        return "move one of them to other addresses"
    return "give one of them an interface of its own" if interface.flags & LAYER_3 else "move one to another runner"


def _clash(one: _Part, other: _Part, way_out: str) -> tuple[tuple[str, str], str]:
    """Two tenants at the same addresses: nothing says there which of them a packet is from."""
    first, second = sorted((one, other), key=lambda part: (part.prefix, part.name))
    both = " and ".join(f"{part.name} ({part.prefix.shown()})" for part in (first, second))
    message = f"{both}, of different networks, cannot both speak there by the same addresses; {way_out}"
    return (first.name, second.name), message
