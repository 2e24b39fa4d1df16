# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A route that weft owns (its protocol number says so)."""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """destination: `10.1.0.0/16`. via: next hop, reached on `link` directly (the onlink flag is always set); "": none,
    as on a WireGuard link, where AllowedIPs say who is meant.

    source: preferred source address. All in the main table.
    """

    destination: str
    via: str
    link: str
    source: str

    def key(self) -> str:
        return self.destination


class ForeignRoute(NamedTuple):
    """A route that is not ours; link is None for one without a device (blackhole, unreachable)."""

    destination: str
    link: str | None
