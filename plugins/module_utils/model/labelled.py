# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Peers that containers become by the labels that Docker has of them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple


class Labelled(NamedTuple):
    """A peer. identity: its number. labels: (key, value) pairs, sorted, all of which a container has to have.

    within: prefixes that its containers' addresses lie in. declared: prefixes inside of those, or between them, that
    are other peers', whatever the labels of who has them.
    """

    identity: int
    peer: str
    labels: tuple[tuple[str, str], ...]
    within: tuple[str, ...]
    declared: tuple[str, ...] = ()

    def fits(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.labels)

    def refuses(self, address: str) -> str:
        """Why an address cannot be the peer's; "": it can."""
        if _is_in(address, self.declared):
            return f"{address} is declared to be another peer's"
        return "" if _is_in(address, self.within) else f"{address} is not in {', '.join(self.within)}"


def _is_in(address: str, prefixes: tuple[str, ...]) -> bool:
    return any(ip_address(address) in ip_network(prefix) for prefix in prefixes)
