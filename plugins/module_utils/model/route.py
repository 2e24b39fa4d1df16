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

# The least that IPv6 has (RFC 8200), and the most that the kernel lets a route have (net/ipv4/metrics.c).
_IPV6_MTU = 1280
_LARGEST_MTU = 65520


class Route(NamedTuple):
    """destination: `10.1.0.0/16`. via: next hop, reached on `link` directly (the onlink flag is always set); "": none,
    as on a WireGuard link, where AllowedIPs say who is meant.

    source: preferred source address; "": the kernel chooses. Only in the main table: with an address the kernel takes
    away the routes of that table alone that have it as their source.
    table: number. type: UNICAST; UNREACHABLE is answered so, BLACKHOLE dropped. Both have no via, link and source, and
    stand back behind any other route to the same destination: their metric is the last that there is.
    mtu: bytes that a packet has at most that goes this way, whoever sent it; 0: as many as the link lets pass.
    locked: state that drifts; a plan always has the default. IPv6 forwards by a locked MTU alone, and nothing that
    somebody says about the path changes one.
    beside: state that drifts, too: others of ours to the same destination in the same table. A change puts the new one
    beside the old before that goes; who was ended in between has left both.
    """

    destination: str
    via: str
    link: str
    source: str
    table: int = MAIN_TABLE
    type: str = UNICAST
    mtu: int = 0
    locked: bool = True
    beside: tuple[Route, ...] = ()

    def key(self) -> str:
        kind = "" if self.type == UNICAST else f"{self.type} "
        table = "" if self.table == MAIN_TABLE else f" table {self.table}"
        return f"{kind}{self.destination}{table}"

    def narrowed(self, mtu: int, link: int) -> Route:
        """For packets of this size at most; 0: of any. link: the MTU of its link, 0 where nobody knows it. That is what
        counts where it is less: the kernel believes a route that promises more, and what is larger is lost."""
        if self.type != UNICAST or not mtu or 0 < link < mtu:
            return self
        least = _IPV6_MTU if ":" in self.destination else 0
        return self._replace(mtu=min(max(mtu, least), _LARGEST_MTU))


def alike(route: Route) -> tuple[Route, ...]:
    """A route, and those beside it, each for itself."""
    return (route._replace(beside=()), *route.beside) if route.beside else (route,)


class Borrowed(NamedTuple):
    """A part of the main table that is to be in another table too: its routes within `destination`, and the one around.
    They are not ours and may change at any time, so the host resolves it, not the plan.

    mtu: of these routes there, as in Route. missed: whether it is worth a word that the main table leads nowhere.
    """

    destination: str
    table: int
    mtu: int = 0
    missed: bool = False


class ForeignRoute(NamedTuple):
    """A route that is not ours. link: None: it has no device (blackhole, unreachable). via: next hop, "": none.

    metric: of several to one destination the kernel takes the one with the lowest. type: as in Route; "": another one,
    or its next hop is one that a Route cannot have. mtu: its own, locked or not; 0: it has none.
    """

    destination: str
    link: str | None
    table: int = MAIN_TABLE
    via: str = ""
    metric: int = 0
    type: str = UNICAST
    mtu: int = 0
