# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes of addresses, routes and rules, many at once."""

from __future__ import annotations

from ...model.address import Address
from ...model.change import ADD, REMOVE, Change
from ...model.errors import KernelError
from ...model.route import MAIN_TABLE, Route
from ...model.state import ADDRESS, ROUTE, RULE
from . import addresses, routes, rules
from .channel import Channel
from .codec import Request
from .dumps import all_routes
from .numbers import is_there, number_of


def move(channel: Channel, run: list[Change]) -> None:
    """Addresses, routes and rules. With an address go the routes that have it as their source; the diff knows and adds
    them after it."""
    requests = _without_source(channel, run)
    indexes: dict[str, int] = {}
    for change in run:
        requests += _requests(change, indexes)
    channel.carry_out(requests)


def _without_source(channel: Channel, run: list[Change]) -> list[Request]:
    """Of IPv6, where the kernel keeps such routes and only takes their source away, remove them ourselves."""
    going = (change.before.address for change in run if change.kind == ADDRESS and change.before is not None)
    sources = {address.split("/")[0] for address in going if ":" in address}
    if not sources:
        return []
    return [
        routes.remove(routes.route_of(route, {}), route.device)
        for route in all_routes(channel)
        if route.ours() and route.source in sources
    ]


def _requests(change: Change, indexes: dict[str, int]) -> list[Request]:
    """The messages for one change. indexes: of links, those looked up before."""
    value = change.before if change.action == REMOVE else change.after
    if change.kind == RULE:
        old = [] if change.before is None else [rules.remove(change.before)]
        return old if change.action == REMOVE else [*old, rules.add(value)]
    try:
        index = _index(change, value, indexes)
    except KernelError:
        if change.action == REMOVE:
            return []  # it went with its link
        raise
    noun = addresses if change.kind == ADDRESS else routes
    if change.action == ADD:
        return [noun.add(value, index)]
    if change.action == REMOVE:
        return [noun.remove(value, index), *_others(change, indexes)]
    if change.kind == ADDRESS:
        return [addresses.remove(change.before, index), addresses.add(value, index)]
    return _changed(change, index, indexes)


def _index(change: Change, value: Address | Route, indexes: dict[str, int]) -> int:
    if value.link not in indexes:
        indexes[value.link] = number_of(value.link, f"{change.kind} {change.key}")
    return indexes[value.link]


def _changed(change: Change, index: int, indexes: dict[str, int]) -> list[Request]:
    """index: of the link that the route is to lead over."""
    value, before, others = change.after, change.before._replace(beside=()), _others(change, indexes)
    if before == value:
        return others
    old = _index(change, before, indexes)
    if ":" in value.destination and (old, before.via) == (index, value.via):
        # To IPv6 two routes that differ in their source or MTU alone are one and the same.
        if value.table != MAIN_TABLE:
            return [routes.replace(value, index), *others]
        return [routes.remove(before, old), routes.add(value, index), *others]
    return [routes.append(value, index), routes.remove(before, old), *others]


def _others(change: Change, indexes: dict[str, int]) -> list[Request]:
    """What a change that was ended in its middle has left beside a route, but for what is wanted of it, and for what
    went with its link."""
    beside = change.before.beside if change.kind == ROUTE else ()
    there = (route for route in beside if route != change.after and (route.link in indexes or is_there(route.link)))
    return [routes.remove(route, _index(change, route, indexes)) for route in there]
