# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks whose MTU is more than links let pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...intent.node import below
from ...model.route import Route


class Tight(NamedTuple):
    """A link that packets of a network go by, with an MTU (bytes) that is less than the network's."""

    network: str
    mtu: int
    host: str
    link: str


def tight_links(
    network: str, host: str, mtu: int, routes: Iterable[Route], links: Mapping[str, int]
) -> Iterator[Tight]:
    """mtu: of the network, 0: it has none. routes: of its table. links: their MTUs, 0: not known before it is there."""
    for link in sorted({route.link for route in routes}):
        if 0 < links.get(link, 0) < mtu:
            yield Tight(network, links[link], host, link)


def mtu_notes(tight: Iterable[Tight], mtus: Mapping[str, int]) -> Iterator[str]:
    """One for each network. mtus: of networks."""
    found: dict[str, list[Tight]] = {}
    for one in tight:
        found.setdefault(one.network, []).append(one)
    for network, links in sorted(found.items()):
        least, others = min(links), len(links) - 1
        where = f"{least.link} of {least.host}, whose MTU is {least.mtu}"
        more = f", nor by {others} more link{'s' * (others > 1)}" if others else ""
        yield (
            f"{below('networks', network)}.mtu: no packet of {mtus[network]} bytes goes by {where}{more}: "
            "it changes nothing there"
        )
