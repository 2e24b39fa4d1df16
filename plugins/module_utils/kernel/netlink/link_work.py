# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes of links, many at once: made, changed in place, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...model.change import ADD, CHANGE, Change
from ...model.link import BRIDGE, WIREGUARD, Link
from ...model.marks import LINK_GROUP
from .. import sysctl
from ..wireguard import userspace as wireguard_go
from . import fdb, gates, link_messages, port_macs
from .channel import Channel
from .codec import Request
from .dumps import all_entries, all_links
from .numbers import is_there, number_of

# Just before this many links go, one message for all of them is cheaper than one for each (some 17 ms a link).
_FEW = 1


def make_links(channel: Channel, run: list[Change], attach: Callable[[], None] | None = None) -> None:
    """Additions and changes. attach: what is to be done when links are there, and those that were not are down yet."""
    # The service of a link without the link: nobody's wish, but what a host may have to go back to.
    run = [change for change in run if change.after.kind]
    wireguard_go.start(change.after for change in run if change.action == ADD and change.after.userspace)
    first = _shut(channel, run)
    for change in run:
        if change.action == CHANGE:
            first += link_messages.change(change.before, change.after)
        elif not change.after.userspace:
            first.append(link_messages.create(change.after))
    channel.carry_out(first)
    _mend_entries(channel, run)
    # Before the link goes up, or it would get a link-local address and speak IPv6 for a moment. A larger MTU
    # can bring IPv6 back to a link that had lost it.
    for change in run:
        link = change.after
        if change.action == ADD or (link.ipv6, link.mtu) != (change.before.ipv6, change.before.mtu):
            sysctl.set_ipv6(link.name, link.ipv6)
        if link.kind == WIREGUARD and (change.action == ADD or link.by_mark != change.before.by_mark):
            sysctl.set_by_mark(link.name, link.by_mark)
    if attach is not None:
        attach()
    last = [_finish(change) for change in run]
    channel.carry_out([request for request in last if request is not None])
    # What is opened does not learn, not even for a moment.
    kept = [change.after for change in run if _is_kept_anew(change)]
    channel.carry_out([port_macs.hold(link.name, _number(link)) for link in kept if link.far is not None])
    channel.carry_out(list(_open(run)))
    _keep(channel, kept)


def _is_kept_anew(change: Change) -> bool:
    """Whether what its bridge knows of a port has to be said again: it goes with the bridge, and with the VLAN."""
    before, after = change.before, change.after
    if after.master is None or " " in (after.far or ""):
        return False  # undoing: what was tampered with is not restored
    seen = (before.far, before.master, before.gated) if before is not None else (None, after.master, after.gated)
    return bool(seen != (after.far, after.master, after.gated)) and {seen[0], after.far} != {None}


def _keep(channel: Channel, kept: list[Link]) -> None:
    seen = port_macs.entries(channel) if kept else {}
    for link in kept:
        number = _number(link)
        known = seen.get(number, [])
        if link.far is None:
            channel.carry_out(port_macs.let_go(link.name, number, known))
        else:
            channel.carry_out(port_macs.keep(link.name, number, [link.far] if link.far else [], known))


def _number(link: Link) -> int:
    return number_of(link.name, link_messages.subject(link))


def remove_links(channel: Channel, removed: list[Link]) -> None:
    """Remove links, and the services that some of them live by."""
    served = wireguard_go.services() if any(link.userspace for link in removed) else {}
    wireguard_go.stop(link.name for link in removed if link.name in served)
    # With the service its link is gone, unless somebody made the device last longer.
    names = [link.name for link in removed if link.name not in served or is_there(link.name)]
    if len(names) <= _FEW:
        channel.carry_out([link_messages.remove(name) for name in names])
        return
    taken = {link.group for link in all_links(channel)}
    group = next(number for number in range(LINK_GROUP << 8, LINK_GROUP + 1 << 8) if number not in taken)
    channel.carry_out([link_messages.regroup(name, group) for name in names])
    channel.carry_out([link_messages.remove_group(group, ", ".join(names))])


def _mend_entries(channel: Channel, run: list[Change]) -> None:
    """Where a VXLAN's destination changes in place: see to it that it has no other."""
    moved = [change.after for change in run if change.action == CHANGE and change.after.remote != change.before.remote]
    if not moved:
        return
    entries = all_entries(channel)
    requests: list[Request] = []
    for link in moved:
        subject = link_messages.subject(link)
        device = number_of(link.name, subject)
        requests += fdb.repair(subject, device, entries.get(device, []), link.remote)
    channel.carry_out(requests)


def _finish(change: Change) -> Request | None:
    link = change.after
    subject = link_messages.subject(link)
    if change.action == ADD:
        return link_messages.settle(link, number_of(link.master, subject))
    return link_messages.raise_up(change.before, link, number_of(link.master, subject))


def _shut(channel: Channel, run: list[Change]) -> list[Request]:
    """Gates of bridges that are there, made or taken away, and ports that are to be closed: these first, for a gate
    that goes opens all."""
    turned = [change for change in run if change.action == CHANGE and change.after.gated != change.before.gated]
    closing = [change.before for change in turned if change.before.kind != BRIDGE and change.before.gated]
    found = [gates.close_port(link.name, number_of(link.name, link_messages.subject(link))) for link in closing]
    bridges = [change.after for change in turned if change.after.kind == BRIDGE]
    if not bridges:
        return found
    seen = {link.name: link for link in all_links(channel)}
    passing = gates.open_links(channel)
    for link in bridges:
        bridge = seen[link.name]
        ports = [port for port in seen.values() if port.master == bridge.number]
        found += gates.close_gate(bridge, ports, passing) if link.gated else gates.open_gate(bridge)
    return found


def _open(run: list[Change]) -> Iterator[Request]:
    """New gated bridges for the host itself, and our ports of gated bridges."""
    for change in run:
        link = change.after
        if not gates.wants_opening(change.before, link) or (link.kind == BRIDGE and change.before is not None):
            continue
        number = number_of(link.name, link_messages.subject(link))
        yield gates.open_bridge(link.name, number) if link.kind == BRIDGE else gates.open_port(link.name, number)
