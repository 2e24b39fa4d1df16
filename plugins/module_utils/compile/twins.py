# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Interfaces of one server that have the same addresses: whose a packet is says its tag there, not its address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..intent.address import overlap
from ..intent.domain import Intent
from ..intent.twins import homes, twins


class Crowd(NamedTuple):
    """Of one interface. shared: its subnets that others of its server have too, at least in part. unrouted: those of
    them to which the main table leads by another interface: the first by name has it."""

    shared: tuple[str, ...] = ()
    unrouted: tuple[str, ...] = ()


ALONE = Crowd()


def homes_of(intent: Intent) -> dict[str, str]:
    """All interfaces that have addresses of another one's, on whatever server → the network of all of their clients."""
    return twins(intent.interfaces, homes(intent.clients, intent.peers, intent.namespaces))


def crowd_of(intent: Intent, name: str, home_of: Mapping[str, str]) -> Crowd:
    """home_of: as homes_of() says."""
    if name not in home_of:
        return ALONE
    interface = intent.interfaces[name]
    others = [
        (other, subnet)
        for other in home_of
        if other != name and intent.interfaces[other].server == interface.server
        for subnet in intent.interfaces[other].subnets.both()
    ]
    own = interface.subnets.both()
    return Crowd(
        tuple(text for text in own if any(overlap(text, subnet) for _other, subnet in others)),
        tuple(text for text in own if any(overlap(text, subnet) for other, subnet in others if other < name)),
    )
