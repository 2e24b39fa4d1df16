# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links, addresses and routes of this host, over raw netlink.

Why raw: the import of pyroute2 alone takes 140-180 ms, more than a whole run without changes may take (reading the
state of a hub with 255 runners back, interpreter start included, is to be faster than `ip -batch` writing it). The
handful of messages that weft needs is small, and their layouts are stable kernel interfaces.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from itertools import groupby
from socket import if_nametoindex
from typing import NamedTuple

from ...model.address import Address
from ...model.change import ADD, CHANGE, REMOVE, Change
from ...model.errors import KernelError
from ...model.link import DUMMY, ForeignLink, Link
from ...model.marks import LINK_GROUP
from ...model.route import ForeignRoute, Route
from ...model.state import ADDRESS, LINK, ROUTE, Uplink
from .. import sysctl
from . import addresses, fdb, link_messages, links, routes
from .channel import Channel
from .codec import RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH, RTM_GETROUTE, Request

# Just before this many links go, one message for all of them is cheaper than one for each (some 17 ms a link).
_FEW = 1


class Network(NamedTuple):
    """One look at a network namespace: what is ours, and what else is there."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]
    foreign_links: tuple[ForeignLink, ...]
    foreign_routes: tuple[ForeignRoute, ...]
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
        seen = {link.number: link for link in self._links()}
        names = {index: link.name for index, link in seen.items()}
        ours = {index for index, link in seen.items() if link.ours() or link.name in claimed}
        entries = self._entries()
        own_addresses: list[Address] = []
        uplinks: list[Uplink] = []
        for address in self._addresses():
            link = seen.get(address.device)
            if link is None:
                continue  # the link went between the two dumps
            if address.device in ours:
                own_addresses.append(Address(link.name, address.address, address.prefix_route))
            elif not link.flags & links.IFF_LOOPBACK:
                uplinks.append(Uplink(address.address, link.name, link.mtu))
        own_routes: list[Route] = []
        foreign_routes: list[ForeignRoute] = []
        for route in self._routes():
            name = names.get(route.device)
            if route.ours():
                own_routes.append(Route(route.destination, route.via, name or "", route.source))
            elif not (route.protocol == routes.PROTOCOL_KERNEL and route.device in ours):
                foreign_routes.append(ForeignRoute(route.destination, name))
        return Network(
            links=tuple(
                links.link_of(link, names, fdb.remote_of(entries.get(index, [])))
                for index, link in seen.items()
                if index in ours
            ),
            addresses=tuple(own_addresses),
            routes=tuple(own_routes),
            foreign_links=tuple(links.foreign_of(link) for index, link in seen.items() if index not in ours),
            foreign_routes=tuple(foreign_routes),
            uplinks=tuple(uplinks),
        )

    def supports_dummy(self) -> bool:
        """Whether this kernel has dummy devices. Nothing is made: the question is a request that must fail.

        Where dummy devices are a module, asking loads it, as the first dummy would.
        """
        return self._knows(DUMMY)

    def _knows(self, kind: str) -> bool:
        code = self._channel.probe(link_messages.ask_for(kind))
        if code == errno.EADDRNOTAVAIL:
            return True
        if code == errno.EOPNOTSUPP:
            return False
        raise KernelError(f"links of kind {kind}", f"cannot tell whether the kernel has them (error {code})")

    def apply(self, changes: Sequence[Change]) -> None:
        """Carry out changes of links, addresses and routes in the order given, neighbours of one sort in a batch.

        Raises KernelError for the first that is refused. Everything before its batch is then carried out, nothing
        after it, and of the batch itself all that the kernel accepted.
        """
        for (kind, removal), group in groupby(changes, _sort):
            run = list(group)
            if kind != LINK:
                self._move(run)
            elif removal:
                self._remove_links([change.key for change in run])
            else:
                self._make_links(run)

    def _make_links(self, run: list[Change]) -> None:
        first: list[Request] = []
        for change in run:
            if change.action == ADD:
                first.append(link_messages.create(change.after))
            else:
                first += link_messages.change(change.before, change.after)
        self._channel.carry_out(first)
        self._mend_entries(run)
        # Before the link goes up, or it would get a link-local address and speak IPv6 for a moment. A larger MTU
        # can bring IPv6 back to a link that had lost it.
        for change in run:
            link = change.after
            if change.action == ADD or (link.ipv6, link.mtu) != (change.before.ipv6, change.before.mtu):
                sysctl.set_ipv6(link.name, link.ipv6)
        last = [_finish(change) for change in run]
        self._channel.carry_out([request for request in last if request is not None])

    def _mend_entries(self, run: list[Change]) -> None:
        """Where a VXLAN's destination changes in place: see to it that it has no other."""
        moved = [
            change.after for change in run if change.action == CHANGE and change.after.remote != change.before.remote
        ]
        if not moved:
            return
        entries = self._entries()
        requests: list[Request] = []
        for link in moved:
            subject = link_messages.subject(link)
            device = _index(link.name, subject)
            requests += fdb.repair(subject, device, entries.get(device, []), link.remote)
        self._channel.carry_out(requests)

    def _remove_links(self, names: list[str]) -> None:
        if len(names) <= _FEW:
            self._channel.carry_out([link_messages.remove(name) for name in names])
            return
        taken = {link.group for link in self._links()}
        group = next(number for number in range(LINK_GROUP << 8, LINK_GROUP + 1 << 8) if number not in taken)
        self._channel.carry_out([link_messages.regroup(name, group) for name in names])
        self._channel.carry_out([link_messages.remove_group(group, ", ".join(names))])

    def _move(self, run: list[Change]) -> None:
        """Addresses and routes. With an address the kernel drops the routes that have it as their source; the diff
        knows and adds them after it."""
        indexes: dict[str, int] = {}
        requests: list[Request] = []
        for change in run:
            requests += _requests(change, indexes)
        self._channel.carry_out(requests)

    def _links(self) -> list[links.Seen]:
        return [links.read(reply) for reply in self._channel.dump("links", RTM_GETLINK, links.DUMP)]

    def _entries(self) -> dict[int, list[fdb.Entry]]:
        """The forwarding entries of VXLANs by the link's index."""
        found: dict[int, list[fdb.Entry]] = {}
        for reply in self._channel.dump("forwarding entries", RTM_GETNEIGH, fdb.DUMP):
            entry = fdb.read(reply)
            if entry is not None:
                found.setdefault(entry.device, []).append(entry)
        return found

    def _addresses(self) -> list[addresses.Seen]:
        read = (addresses.read(reply) for reply in self._channel.dump("addresses", RTM_GETADDR, addresses.DUMP))
        return [address for address in read if address is not None]

    def _routes(self) -> list[routes.Seen]:
        read = (routes.read(reply) for reply in self._channel.dump("routes", RTM_GETROUTE, routes.DUMP))
        return [route for route in read if route is not None]


def _sort(change: Change) -> tuple[str, bool]:
    if change.kind == LINK:
        return LINK, change.action == REMOVE
    return ROUTE, False


def _finish(change: Change) -> Request | None:
    link = change.after
    subject = link_messages.subject(link)
    if change.action == ADD:
        return link_messages.settle(link, _index(link.master, subject))
    return link_messages.raise_up(change.before, link, _index(link.master, subject))


def _requests(change: Change, indexes: dict[str, int]) -> list[Request]:
    """The messages for one change of an address or route. indexes: of links, those looked up before."""
    value = change.before if change.action == REMOVE else change.after
    if value.link not in indexes:
        try:
            indexes[value.link] = _index(value.link, f"{change.kind} {change.key}")
        except KernelError:
            if change.action == REMOVE:
                return []  # it went with its link
            raise
    index = indexes[value.link]
    noun = addresses if change.kind == ADDRESS else routes
    if change.action == ADD:
        return [noun.add(value, index)]
    if change.action == REMOVE:
        return [noun.remove(value, index)]
    if change.kind == ADDRESS:
        return [addresses.remove(change.before, index), addresses.add(value, index)]
    old = _index(change.before.link, f"{ROUTE} {change.key}")
    return [routes.append(value, index), routes.remove(change.before, old)]


def _index(name: str | None, subject: str) -> int:
    """The number of the link of this name, 0 for no name."""
    if not name:
        return 0
    try:
        return if_nametoindex(name)
    except OSError as error:
        raise KernelError(subject, f"there is no link {name}") from error
