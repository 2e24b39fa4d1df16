# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Everything of one sort that the kernel has, read from its messages."""

from __future__ import annotations

from . import addresses, fdb, links, routes, rules
from .channel import Channel
from .codec import RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH, RTM_GETROUTE, RTM_GETRULE


def all_links(channel: Channel) -> list[links.Seen]:
    return [links.read(reply) for reply in channel.dump("links", RTM_GETLINK, links.DUMP)]


def all_entries(channel: Channel) -> dict[int, list[fdb.Entry]]:
    """The forwarding entries of VXLANs by the link's index."""
    found: dict[int, list[fdb.Entry]] = {}
    for reply in channel.dump("forwarding entries", RTM_GETNEIGH, fdb.DUMP):
        entry = fdb.read(reply)
        if entry is not None:
            found.setdefault(entry.device, []).append(entry)
    return found


def all_addresses(channel: Channel) -> list[addresses.Seen]:
    read = (addresses.read(reply) for reply in channel.dump("addresses", RTM_GETADDR, addresses.DUMP))
    return [address for address in read if address is not None]


def all_routes(channel: Channel) -> list[routes.Seen]:
    read = (routes.read(reply) for reply in channel.dump("routes", RTM_GETROUTE, routes.DUMP))
    return [route for route in read if route is not None]


def all_rules(channel: Channel) -> list[rules.Seen]:
    read = (rules.read(reply) for reply in channel.dump("routing rules", RTM_GETRULE, rules.DUMP))
    return [rule for rule in read if rule is not None]
