# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Machines that have WireGuard interfaces which others connect to, known by addresses that stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .address import UNUSABLE, Address
from .collection import Map
from .names import HOST
from .scalar import Choice
from .schema import Check, Field, Kind, Record

ROUTER = "router"
NAS = "nas"


class Pair(NamedTuple):
    """One thing in each address family; at least one of them is there. Addresses or networks in canonical text."""

    ipv4: str | None
    ipv6: str | None

    def both(self) -> tuple[str, ...]:
        """Those that there are, IPv4 first."""
        return tuple(text for text in self if text is not None)


class Server(NamedTuple):
    """A server by its inventory name. role: ROUTER or NAS. management: its own stable addresses inside the networks
    it serves; not the endpoint that clients connect to."""

    role: str
    management: Pair


def _one_at_least(ipv4: str | None, ipv6: str | None) -> Iterator[tuple[str, str]]:
    if ipv4 is None and ipv6 is None:
        yield "", "has neither ipv4 nor ipv6; give one of them or both"


def pair(four: Kind[str], six: Kind[str], says: str) -> Record[Pair]:
    """The description of a Pair. ``says``: of each half, with {} for the family."""
    return Record(
        build=Pair,
        fields={
            "ipv4": Field(four, says.format("IPv4"), absent="none"),
            "ipv6": Field(six, says.format("IPv6"), absent="none"),
        },
        checks=(Check(("ipv4", "ipv6"), _one_at_least),),
    )


SERVER = Record(
    build=Server,
    fields={
        "role": Field(
            Choice((ROUTER, NAS)), "What it is: router, or nas, which can also keep the store.", required=True
        ),
        "management": Field(
            pair(
                Address(4, UNUSABLE),
                Address(6, UNUSABLE),
                "Its own stable {} address in the networks it serves; not what clients connect to.",
            ),
            "How it is known inside, whatever the endpoints are called.",
            required=True,
        ),
    },
)
SERVERS = Map(HOST, SERVER, noun="host")
