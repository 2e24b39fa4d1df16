# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of policies: with whom, by which ports."""

from __future__ import annotations

from typing import NamedTuple

from .selector import Selector

ALLOW = "allow"
DENY = "deny"

TCP = "TCP"
UDP = "UDP"
SCTP = "SCTP"
ICMP = "ICMP"
ICMPV6 = "ICMPv6"


class Others(NamedTuple):
    """One entry of `from` or `to`. With a cidr: addresses in it and in none of excluded; the selectors are None.

    Otherwise peers that both selectors select; None: peers: all; namespaces: the policy's own, or all of its network
    where the network is its scope.
    """

    peers: Selector | None
    namespaces: Selector | None
    cidr: str | None
    excluded: tuple[str, ...]


class Port(NamedTuple):
    """protocol: TCP, UDP, SCTP, ICMP or ICMPV6. first, last: ports, both included, or twice the type of an ICMP
    message; None, both: all of the protocol."""

    protocol: str
    first: int | None
    last: int | None


class Rule(NamedTuple):
    """action: ALLOW or DENY. others: where a packet comes from or goes to, empty: everywhere. ports: empty: all."""

    action: str
    others: tuple[Others, ...]
    ports: tuple[Port, ...]
