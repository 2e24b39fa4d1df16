# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which interfaces of a host packets may pass between past its stack: networks say so (`forwarding: direct`)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from ...model.policy import BOUND, FORWARDS, LAYER_3, PEER, PORT, PORTS, PolicyMaps

# There the programs never do it (files/bpf/lib/forward.h).
_NEVER = LAYER_3 | BOUND | PORTS | PORT


def with_forwarding(maps: PolicyMaps, direct: AbstractSet[int]) -> PolicyMaps:
    """The maps of a host. direct: numbers of networks.

    An interface has the flag if peers speak there, and all of them are of such networks. Whoever else speaks there is
    no peer, and what they send goes through the stack anyway.
    """
    able = {name for name, networks in _able(maps) if networks and networks <= direct}
    attachments = tuple(
        one._replace(flags=one.flags | FORWARDS) if one.interface in able else one for one in maps.attachments
    )
    return maps._replace(attachments=attachments)


def hindered(maps: PolicyMaps, direct: AbstractSet[int]) -> Iterator[tuple[str, AbstractSet[int]]]:
    """Interfaces without the flag although peers of such networks speak there, and the networks of the others."""
    for name, networks in _able(maps):
        if networks & direct and not networks <= direct:
            yield name, networks - direct


def _able(maps: PolicyMaps) -> Iterator[tuple[str, AbstractSet[int]]]:
    """Interfaces that may have the flag, and the networks of peers that speak there."""
    found: dict[int, set[int]] = {}
    for place in maps.sources:
        if place.endpoint.flags & PEER:
            found.setdefault(place.scope, set()).add(place.endpoint.network)
    for one in maps.attachments:
        if not one.flags & _NEVER:
            yield one.interface, found.get(one.number, frozenset())
