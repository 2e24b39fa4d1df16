# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What maps say of shadows: by which address a network knows what has another one elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.policy import PolicyMaps, Shadow
from .prefix import prefix_of
from .shadow_views import Pair, Views


class Reflections:
    """Networks are numbers."""

    def __init__(self, shadows: Iterable[Shadow]) -> None:
        self._pairs: dict[tuple[int, int], list[Pair]] = {}
        for viewer, network, prefix, shadow in shadows:
            self._pairs.setdefault((viewer, network), []).append(Pair(prefix_of(prefix), prefix_of(shadow)))

    def seen(self, viewer: int, network: int, address: str) -> str:
        """By what address the viewer knows one of a network."""
        single = prefix_of(address)
        for own, shadow in self._pairs.get((viewer, network), ()):
            if own.holds(single):
                return single.moved(own, shadow).shown()
        return address


def views_of(maps: PolicyMaps) -> Views:
    """As they were when the maps were made."""
    names = {network.number: network.name for network in maps.networks}
    pairs: dict[tuple[str, str], tuple[Pair, ...]] = {}
    for viewer, network, prefix, shadow in maps.shadows:
        both = (names[viewer], names[network])
        pairs[both] = (*pairs.get(both, ()), Pair(prefix_of(prefix), prefix_of(shadow)))
    return Views(pairs)
