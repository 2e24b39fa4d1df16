# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks of a domain: tenants, between which nothing passes unless they are peered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .address import UNUSABLE, Cidr, overlap
from .collection import List, Map
from .interface import IPV6_MTU
from .names import NETWORK
from .scalar import Choice, Integer
from .schema import Check, Field, Record, Where

ENFORCE = "enforce"
OBSERVE = "observe"
STACK = "stack"
DIRECT = "direct"


class Network(NamedTuple):
    """cidrs: canonical text, without overlaps. mtu: bytes, None: each host's links decide.

    mode: ENFORCE, or OBSERVE: what would be denied passes and is recorded. peered: names of networks that its peers
    may reach, each of which names this one too. id: pinned number, None: allocated. forwarding: STACK, or DIRECT: on
    hubs, what is known to pass between its peers goes past the host's netfilter.
    """

    cidrs: tuple[str, ...]
    mtu: int | None
    mode: str
    peered: tuple[str, ...]
    id: int | None
    forwarding: str = STACK


def _cidrs_are_apart(cidrs: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    for number, cidr in enumerate(cidrs):
        other = next((one for one in cidrs[:number] if one != cidr and overlap(one, cidr)), None)
        if other is not None:
            yield ("cidrs", number), f"{cidr} overlaps {other}; keep the larger one"


def _ipv6_fits(mtu: int | None, cidrs: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    six = next((cidr for cidr in cidrs if ":" in cidr), None)
    if mtu is not None and mtu < IPV6_MTU and six is not None:
        yield "mtu", f"{mtu} is too small for IPv6, which needs {IPV6_MTU} (RFC 8200); raise it, or drop {six}"


MODE = Choice((ENFORCE, OBSERVE))

TENANT_NETWORK = Record(
    build=Network,
    fields={
        "cidrs": Field(
            List(Cidr(unusable=UNUSABLE), at_least=1, unique=True, words="a list of IP networks"),
            "All that addresses of its peers lie in. Other networks may have the same.",
            required=True,
        ),
        "mtu": Field(
            Integer(576, 65535, "an MTU", "IPv4 needs 576, and no packet is over 65535"),
            "The MTU inside of it; 1280 at least where there is IPv6.",
            absent="that of each link",
        ),
        "mode": Field(
            MODE, "Whether what no policy allows is dropped, or passes and is recorded as what would be.", ENFORCE
        ),
        "peered": Field(
            List(NETWORK, unique=True, words="a list of networks"),
            "Networks that policies here may name peers of; each has to name this one too.",
            [],
        ),
        "id": Field(Integer(1, 65535, "a network number"), "Its number, pinned.", absent="the next free one"),
        "forwarding": Field(
            Choice((STACK, DIRECT)),
            "`direct`: what is known to pass between its peers skips netfilter, NAT and connection tracking of hubs.",
            STACK,
        ),
    },
    checks=(Check(("cidrs",), _cidrs_are_apart), Check(("mtu", "cidrs"), _ipv6_fits)),
)
NETWORKS = Map(NETWORK, TENANT_NETWORK, noun="network")
