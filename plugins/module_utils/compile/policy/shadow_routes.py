# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ways to whoever another network knows by a shadow.

What is forwarded needs none: it has its receiver's own address by then. By them a source is found to come from where it
should (rp_filter, the overlay's firewall), and the host's own errors about what was translated find back to who sent
it, to be translated there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from ...model.policy import Shadow
from ...model.route import Route
from .prefix import Prefix, prefix_of


class Seen:
    """What others see of the networks of a domain. shadows: of the domain. names: of networks, by number."""

    def __init__(self, shadows: Iterable[Shadow] = (), names: Mapping[int, str] = MappingProxyType({})) -> None:
        self._pairs = [
            (names[one.viewer], names[one.network], prefix_of(one.prefix), prefix_of(one.shadow)) for one in shadows
        ]

    def hides(self, viewer: str, network: str, text: str) -> bool:
        """Whether the viewer knows a network's addresses of this family by others than their own."""
        version = prefix_of(text).version
        return any(pair[:2] == (viewer, network) and pair[2].version == version for pair in self._pairs)

    def ways(self, routes: Iterable[Route], homes: Mapping[str, str]) -> Iterator[tuple[str, Route]]:
        """(viewer, route to a shadow) for all that these routes lead to. homes: of links that have addresses of others
        behind them, the network that they have them in."""
        found: dict[tuple[str, Prefix], Route] = {}
        # Where several lead to all of a cidr, the longest is the way.
        for route in sorted(routes, key=lambda route: -prefix_of(route.destination).length):
            destination = prefix_of(route.destination)
            for viewer, network, own, shadow in self._pairs:
                seen = destination.reflected(own, shadow)
                if seen is not None and homes.get(route.link, network) == network:
                    found.setdefault((viewer, seen), route._replace(destination=str(seen)))
        yield from ((viewer, route) for (viewer, _seen), route in sorted(found.items(), key=lambda item: item[0]))


# Everybody by their own addresses.
PLAIN = Seen()
