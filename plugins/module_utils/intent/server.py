# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Machines that have WireGuard interfaces which others connect to, known by addresses that stay."""

from __future__ import annotations

from typing import NamedTuple

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
