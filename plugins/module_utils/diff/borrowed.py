# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Parts of the main table that tables of networks need too, as routes for these tables.

The main table is other people's, and may change at any time: this is what it says now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..model.link import ForeignLink
from ..model.plan import HostPlan
from ..model.route import MAIN_TABLE, UNICAST, UNREACHABLE, Borrowed, ForeignRoute, Route
from .prefix import covers, network


class Lent(NamedTuple):
    """routes: for the tables. notes: what the main table has nothing for."""

    routes: tuple[Route, ...]
    notes: tuple[str, ...]


def borrowed(plan: HostPlan, foreign: Iterable[ForeignRoute], links: Iterable[ForeignLink] = ()) -> Lent:
    """foreign: the main table's, as it is (Foreign.routes). links: those that such routes lead to.

    Of a destination in what is borrowed that cannot be had from there, a table says that it is unreachable: a wider
    route must not lead somewhere that the main table does not. Of two MTUs, the wish's and
    the route's own, the lesser one counts.
    """
    table = _table(plan, foreign)
    mtus = {link.name: link.mtu for link in links}
    taken = {(route.destination, route.table) for route in plan.routes if route.type == UNICAST}
    routes: dict[str, Route] = {}
    notes: list[str] = []
    for wish in plan.borrowed:
        found = list(_resolve(wish, table))
        if not found and wish.missed:
            notes.append(f"the main table leads nowhere for {wish.destination}, so table {wish.table} does not either")
        for route in found:
            # What the plan itself says of a destination is what is meant.
            if (route.destination, route.table) not in taken:
                routes.setdefault(route.key(), _narrowed(route, wish.mtu, mtus.get(route.link, 0)))
    return Lent(tuple(routes.values()), tuple(notes))


def _table(plan: HostPlan, foreign: Iterable[ForeignRoute]) -> Mapping[str, Route | None]:
    """By destination, what the main table would do: None where that is not to be had, or not to be borrowed. That are
    our own links' routes too, which stand in the tables if they are for them."""
    ours = {link.name for link in plan.links}
    best: dict[str, ForeignRoute] = {}
    for route in foreign:
        if route.table == MAIN_TABLE:
            other = best.get(route.destination)
            if other is None or route.metric < other.metric:
                best[route.destination] = route
    found = {destination: _lent(route) if route.link not in ours else None for destination, route in best.items()}
    found.update({route.destination: None for route in plan.routes if route.table == MAIN_TABLE})
    found.update({network(address.address): None for address in plan.addresses if address.prefix_route})
    return found


def _lent(route: ForeignRoute) -> Route | None:
    if route.type != UNICAST or route.link is None:
        return None
    return Route(route.destination, route.via, route.link, "", mtu=route.mtu)


def _narrowed(route: Route, mtu: int, link: int) -> Route:
    own = route.mtu
    return route._replace(mtu=0).narrowed(min(mtu, own) if mtu and own else mtu or own, link)


def _resolve(wish: Borrowed, table: Mapping[str, Route | None]) -> Iterable[Route]:
    """None where there is nothing that leads anywhere."""
    found = {destination: route for destination, route in table.items() if covers(wish.destination, destination)}
    if wish.destination not in found:
        around = [destination for destination in table if covers(destination, wish.destination)]
        nearest = table[max(around, key=_length)] if around else None
        if nearest is not None:
            found[wish.destination] = nearest._replace(destination=wish.destination)
    if not any(found.values()):
        return ()
    refusal = Route("", "", "", "", type=UNREACHABLE)
    return (
        (route or refusal._replace(destination=destination))._replace(table=wish.table)
        for destination, route in found.items()
    )


def _length(prefix: str) -> int:
    return int(prefix.rpartition("/")[2])
