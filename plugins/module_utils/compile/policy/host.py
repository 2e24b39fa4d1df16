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
from .prefix import Prefix, nested, prefix_of

_NOBODY = Endpoint(NOBODY, 0, 0, 0)
# For policies it is as the world is.
_HOST = Endpoint(HOST, WORLD, 0, UNPOLICED)


class Interface(NamedTuple):
    """number: of the attachment, from 1; it has to stay the same as long as the interface does. flags: as of an
    attachment. peers: names of those that speak there."""

    number: int
    flags: int
    peers: tuple[str, ...]


class HostPolicy(NamedTuple):
    """With faults, maps is not whole."""

    maps: PolicyMaps
    faults: tuple[Fault, ...]


def with_interfaces(
    maps: PolicyMaps,
    host: str,
    interfaces: Mapping[str, Interface],
    peers: Iterable[str] = (),
    addresses: Iterable[str] = (),
) -> HostPolicy:
    """The maps of a host, from those of the domain.

    interfaces: by name. peers: names of those that the host itself is, or that speak by interfaces that are not
    policed. addresses: the host's own, as far as they are no peer's.
    """
    homes = _Homes(maps)
    attachments: list[Attachment] = []
    sources: list[tuple[int, Prefix, Endpoint]] = []
    own, wrong = homes.spoken_for(peers)
    for address in addresses:
        own.setdefault(prefix_of(address), _HOST)
    faults = [Fault(host, "the host itself", message) for message in wrong]
    sources += ((NO_ATTACHMENT, *item) for item in own.items())
    for name, interface in sorted(interfaces.items()):
        networks = {homes.network[peer] for peer in interface.peers}
        network = min(networks) if len(networks) == 1 else 0
        attachments.append(Attachment(name, interface.number, network, interface.flags))
        spoken, wrong = homes.spoken_for(interface.peers)
        faults += (Fault(host, f"interface {name}", message) for message in wrong)
        sources += ((interface.number, *item) for item in spoken.items())
    places = tuple(Place(number, str(prefix), endpoint) for number, prefix, endpoint in sorted(sources))
    return HostPolicy(maps._replace(attachments=tuple(attachments), sources=places), tuple(faults))


class _Homes:
    """Of each peer, its network, its addresses there, and the holes in them: what others inside of it have."""

    def __init__(self, maps: PolicyMaps) -> None:
        names = {identity.number: identity.name for identity in maps.identities}
        # The names of prefixes have a slash.
        self.network = {found.name: found.network for found in maps.identities if "/" not in found.name}
        self._own: dict[str, list[tuple[Prefix, Endpoint]]] = {}
        self._holes: dict[str, list[tuple[Prefix, str]]] = {}
        owners: dict[int, dict[Prefix, str]] = {}
        for scope, text, endpoint in maps.destinations:
            if scope != EVERY_NETWORK and scope == endpoint.network and endpoint.flags & PEER:
                name, prefix = names[endpoint.identity], prefix_of(text)
                self._own.setdefault(name, []).append((prefix, endpoint))
                owners.setdefault(scope, {})[prefix] = name
        for owner in owners.values():
            for prefix, around in nested(owner):
                for holder in {owner[one] for one in around} - {owner[prefix]}:
                    self._holes.setdefault(holder, []).append((prefix, owner[prefix]))

    def spoken_for(self, peers: Iterable[str]) -> tuple[dict[Prefix, Endpoint], list[str]]:
        """Endpoints by prefix, and what is wrong. Inside of a peer's subnet, what others have is nobody's here, unless
        they speak here too."""
        speaking = sorted(set(peers))
        found: dict[Prefix, Endpoint] = {}
        speaker: dict[Prefix, str] = {}
        wrong: list[str] = []
        for name in speaking:
            for prefix, endpoint in self._own.get(name, ()):
                found.setdefault(prefix, endpoint)
                wrong += self._clash(prefix, speaker.setdefault(prefix, name), prefix, name)
        for prefix, around in nested(speaker):
            if around:
                wrong += self._clash(around[-1], speaker[around[-1]], prefix, speaker[prefix])
        for name in speaking:
            for prefix, owner in self._holes.get(name, ()):
                if owner not in speaking:
                    found.setdefault(prefix, _NOBODY)
        return found, wrong

    def _clash(self, prefix: Prefix, name: str, inner: Prefix, other: str) -> Iterator[str]:
        """Two tenants at the same addresses: nothing says there which of them a packet is from."""
        if self.network.get(name) != self.network.get(other):
            both = f"{name} ({prefix.shown()}) and {other} ({inner.shown()}), of different networks,"
            yield f"{both} cannot both speak there by the same addresses; give one of them an interface of its own"
