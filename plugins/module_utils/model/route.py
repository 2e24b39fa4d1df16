# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A route that weft owns (its protocol number says so)."""

from __future__ import annotations

from typing import NamedTuple

# The kernel's own number of the table that everything is in that says no other.
MAIN_TABLE = 254

UNICAST = "unicast"
UNREACHABLE = "unreachable"
BLACKHOLE = "blackhole"


class Route(NamedTuple):
    """destination: `10.1.0.0/16`. via: next hop, reached on `link` directly (the onlink flag is always set); "": none,
    as on a WireGuard link, where AllowedIPs say who is meant.

    source: preferred source address; "": the kernel chooses. Only in the main table: with an address the kernel takes
    away the routes of that table alone that have it as their source.
    table: number. type: UNICAST; UNREACHABLE is answered so, BLACKHOLE dropped. Both have no via, link and source, and
    stand back behind any other route to the same destination: their metric is the last that there is.
    """

    destination: str
    via: str
    link: str
    source: str
    table: int = MAIN_TABLE
    type: str = UNICAST

    def key(self) -> str:
        kind = "" if self.type == UNICAST else f"{self.type} "
        table = "" if self.table == MAIN_TABLE else f" table {self.table}"
        return f"{kind}{self.destination}{table}"


class Borrowed(NamedTuple):
    """A part of the main table that is to be in another table too: its routes within `destination`, and the one around.
    They are not ours and may change at any time, so the host resolves it, not the plan."""

    destination: str
    table: int


class ForeignRoute(NamedTuple):
    """A route that is not ours. link: None: it has no device (blackhole, unreachable). via: next hop, "": none.

    metric: of several to one destination the kernel takes the one with the lowest. type: as in Route; "": another one,
    or its next hop is one that a Route cannot have.
    """

    destination: str
    link: str | None
    table: int = MAIN_TABLE
    via: str = ""
    metric: int = 0
    type: str = UNICAST
