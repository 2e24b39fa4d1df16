# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who speaks by a shadow: on interfaces behind which another host of ours has met the packets first, they come as
packets of their receiver's network."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.policy import NOBODY, PEER, SHADOW, Endpoint, Place, PolicyMaps, Shadow
from .prefix import Prefix, prefix_of


def with_aliases(maps: PolicyMaps, numbers: Iterable[int]) -> PolicyMaps:
    """numbers: of attachments behind which other hosts of ours are; on others nobody speaks by a shadow. maps: of a
    host, with its interfaces."""
    behind = frozenset(numbers)
    if not maps.shadows:
        return maps
    shadows = [(shadow, prefix_of(shadow.prefix), prefix_of(shadow.shadow)) for shadow in maps.shadows]
    found: dict[tuple[int, Prefix], Endpoint] = {}
    for scope, text, endpoint in maps.sources:
        prefix = prefix_of(text)
        found.setdefault((scope, prefix), endpoint)
        for shadow, own, there in shadows if scope in behind else ():
            # What another network has there speaks by another shadow.
            if endpoint.flags & PEER and endpoint.network != shadow.network:
                continue
            seen = prefix.reflected(own, there)
            if seen is not None:
                found[scope, seen] = _alias(endpoint, shadow)
    sources = tuple(Place(scope, str(prefix), found[scope, prefix]) for scope, prefix in sorted(found))
    attachments = tuple(
        attachment._replace(network=0) if attachment.number in behind else attachment for attachment in maps.attachments
    )
    return maps._replace(sources=sources, attachments=attachments)


def _alias(endpoint: Endpoint, shadow: Shadow) -> Endpoint:
    if endpoint.identity == NOBODY:
        return endpoint
    return endpoint._replace(network=shadow.viewer, flags=endpoint.flags | SHADOW)
