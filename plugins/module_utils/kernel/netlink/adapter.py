# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links, addresses, routes and rules of this host, over raw netlink.

Why raw: the import of pyroute2 alone takes 140-180 ms, more than a whole run without changes may take (reading the
state of a hub with 255 runners back, interpreter start included, is to be faster than `ip -batch` writing it). The
handful of messages that weft needs is small, and their layouts are stable kernel interfaces.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from ...model.address import Address
from ...model.change import REMOVE, Change
from ...model.errors import KernelError
from ...model.link import DUMMY, WIREGUARD, ForeignLink, Link
from ...model.route import MAIN_TABLE, ForeignRoute, Route
from ...model.rule import ForeignRule, Rule
from ...model.state import LINK, POLICED, ROUTE, Uplink
from ..wireguard import userspace as wireguard_go
from . import fdb, gates, link_messages, links, port_macs, routes, rules
from .channel import Channel
from .dumps import all_addresses, all_entries, all_links, all_routes, all_rules
from .link_work import make_links, remove_links
from .move import move


class Network(NamedTuple):
    """One look at a network namespace: what is ours, and what else is there."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]
    rules: tuple[Rule, ...]
    foreign_links: tuple[ForeignLink, ...]
    foreign_routes: tuple[ForeignRoute, ...]
    foreign_tables: tuple[ForeignRoute, ...]
    foreign_rules: tuple[ForeignRule, ...]
    uplinks: tuple[Uplink, ...]


class Netlink:
    """Speaks to the network namespace that the process is in. A context manager.

    Every method raises KernelError, with the object's name and the kernel's words.
    """

    def __init__(self) -> None:
        self._channel = Channel()

    def __enter__(self) -> Netlink:  # noqa: PYI034  # typing.Self is newer than Python 3.9
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def observe(self, claimed: frozenset[str] = frozenset()) -> Network:
        """claimed: names of links that are ours although they may have lost, or never had, our mark."""
        seen = {link.number: link for link in all_links(self._channel)}
        names = {index: link.name for index, link in seen.items()}
        services = wireguard_go.services()
        ours = {index for index, link in seen.items() if link.ours(claimed, services)}
        remotes = {index: fdb.remote_of(found) for index, found in all_entries(self._channel).items()}
        gated = gates.gated(self._channel, seen)
        far = port_macs.far_ends(self._channel, (seen[index] for index in ours), gated)
        own_addresses: list[Address] = []
        uplinks: list[Uplink] = []
        for address in all_addresses(self._channel):
            link = seen.get(address.device)
            if link is None:
                continue  # the link went between the two dumps
            if address.device in ours:
                own_addresses.append(Address(link.name, address.address, address.prefix_route))
            elif not link.flags & links.IFF_LOOPBACK:
                uplinks.append(Uplink(address.address, link.name, link.mtu))
        own_routes, foreign_routes = self._routes(names, ours)
        seen_rules = all_rules(self._channel)
        return Network(
            links=(
                *(
                    links.link_of(
                        link, names, remotes.get(index), services.get(link.name, 0), index in gated, far.get(index)
                    )
                    for index, link in seen.items()
                    if index in ours
                ),
                *map(links.missing, sorted(set(services) - set(names.values()))),
            ),
            addresses=tuple(own_addresses),
            routes=tuple(own_routes),
            rules=tuple(rules.rule_of(rule) for rule in seen_rules if rule.ours()),
            foreign_links=tuple(links.foreign_of(link) for index, link in seen.items() if index not in ours),
            foreign_routes=tuple(route for route in foreign_routes if route.table == MAIN_TABLE),
            foreign_tables=tuple(route for route in foreign_routes if route.table != MAIN_TABLE),
            foreign_rules=tuple(rules.foreign_of(rule) for rule in seen_rules if not rule.ours()),
            uplinks=tuple(uplinks),
        )

    def _routes(self, names: dict[int, str], ours: set[int]) -> tuple[list[Route], list[ForeignRoute]]:
        """Our routes, and the others without those that the kernel made of addresses of ours. names, ours: of links."""
        own: dict[str, Route] = {}
        foreign: list[ForeignRoute] = []
        for route in all_routes(self._channel):
            if route.ours():
                found = routes.route_of(route, names)
                first = own.setdefault(found.key(), found)
                if first is not found:
                    own[found.key()] = first._replace(beside=(*first.beside, found))
            elif not (route.protocol == routes.PROTOCOL_KERNEL and route.device in ours):
                foreign.append(routes.foreign_of(route, names))
        return list(own.values()), foreign

    def supports(self) -> dict[str, bool]:
        """Fields of Capabilities: all that is asked below."""
        return {
            "dummy": self.supports_dummy(),
            "wireguard": self.supports_wireguard(),
            "gates": self.supports_gates(),
        }

    def supports_dummy(self) -> bool:
        """Whether this kernel has dummy devices. Nothing is made: the question is a request that must fail.

        Where dummy devices are a module, asking loads it, as the first dummy would.
        """
        return self._knows(DUMMY)

    def supports_wireguard(self) -> bool:
        """Whether this kernel has WireGuard; asked in the same way."""
        return self._knows(WIREGUARD)

    def supports_gates(self) -> bool:
        """Whether bridges of this kernel can keep ports closed; without, they know no VLANs."""
        return self._channel.probe(gates.ask()) == errno.EPROTONOSUPPORT

    def _knows(self, kind: str) -> bool:
        code = self._channel.probe(link_messages.ask_for(kind))
        if code == errno.EINVAL:
            return True
        if code == errno.EOPNOTSUPP:
            return False
        raise KernelError(f"links of kind {kind}", f"cannot tell whether the kernel has them (error {code})")

    def apply(self, changes: Sequence[Change], police: Callable[[Sequence[Change]], None] | None = None) -> None:
        """Carry out changes of links, addresses, routes and rules in the order given, neighbours of a sort in a batch.

        police: carries out changes of policed interfaces, which may come and change among links: after these are made,
        and before they are up.

        Raises KernelError for the first that is refused. Everything before its batch is then carried out, nothing
        after it, and of the batch itself all that the kernel accepted.
        """
        for (kind, removal), group in groupby(changes, _sort):
            run = list(group)
            if kind != LINK:
                move(self._channel, run)
            elif removal:
                remove_links(self._channel, [change.before for change in run])
            else:
                policed = [change for change in run if change.kind == POLICED]
                attach = partial(police, policed) if police and policed else None
                make_links(self._channel, [change for change in run if change.kind == LINK], attach)


def _sort(change: Change) -> tuple[str, bool]:
    if change.kind in (LINK, POLICED):
        return LINK, change.action == REMOVE
    return ROUTE, False
