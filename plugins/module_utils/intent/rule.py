# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of policies: with whom, by which ports."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, NamedTuple

from .address import Cidr
from .collection import List
from .port import PORT, Port
from .scalar import Choice
from .schema import Check, Field, Record, Where
from .selector import SELECTOR, Selector

ALLOW = "allow"
DENY = "deny"


class Others(NamedTuple):
    """One entry of `from` or `to`. With a cidr: addresses in it and in none of excluded; the selectors are None.

    Otherwise peers that both selectors select; None: peers: all; namespaces: the policy's own, or all of its network
    where the network is its scope.
    """

    peers: Selector | None
    namespaces: Selector | None
    cidr: str | None
    excluded: tuple[str, ...]


class Rule(NamedTuple):
    """action: ALLOW or DENY. others: where a packet comes from or goes to, empty: everywhere. ports: empty: all."""

    action: str
    others: tuple[Others, ...]
    ports: tuple[Port, ...]


# IPv4 addresses are known by these in the kernel's maps; in an intent they have one notation.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def _is_labels_or_cidr(
    peers: object, namespaces: object, cidr: str | None, excluded: object
) -> Iterator[tuple[str, str]]:
    for field, other in ("peers", peers), ("namespaces", namespaces):
        if cidr is not None and other is not None:
            yield "cidr", f"stands beside {field}; an entry has labels or a cidr, give the cidr one of its own"
            break
    if cidr is None and excluded:
        yield "except", "is only read with cidr; give that, or delete it"


def _is_not_mapped(cidr: str | None) -> Iterator[tuple[str, str]]:
    network = ipaddress.ip_network(cidr) if cidr is not None else None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        four = f"{network[0].ipv4_mapped}/{network.prefixlen - 96}"
        yield "cidr", f"{network} is IPv4 in IPv6's notation; write {four}"


def _exceptions_are_inside(cidr: str | None, excluded: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    if cidr is None:
        return
    whole, inside = ipaddress.ip_network(cidr), []
    for number, text in enumerate(excluded):
        one = ipaddress.ip_network(text)
        if one.version == whole.version and one.subnet_of(whole):  # type: ignore[arg-type]  # of one family
            inside.append(one)
        else:
            yield ("except", number), f"{text} is not inside of {cidr}; delete it, or give a part of {cidr}"
    if whole in ipaddress.collapse_addresses(inside):  # type: ignore[type-var]  # of one family
        yield "except", f"leaves nothing of {cidr}; delete one of them, or the whole entry"


def _others(peers: Selector | None, namespaces: Selector | None, cidr: str | None, **said: Any) -> Others:
    return Others(peers, namespaces, cidr, said["except"])


OTHERS = Record(
    build=_others,
    fields={
        "peers": Field(
            SELECTOR,
            "Peers with such labels: in `namespaces`, or without that in the policy's own scope.",
            absent="all peers there",
        ),
        "namespaces": Field(
            SELECTOR,
            "Namespaces with such labels, of the policy's network and of those peered with it.",
            absent="the policy's own scope",
        ),
        "cidr": Field(Cidr(), "Addresses, whoever has them; in an entry of its own.", absent="by labels"),
        "except": Field(List(Cidr(), unique=True, words="a list of IP networks"), "Parts cut out of `cidr`.", []),
    },
    checks=(
        Check(("peers", "namespaces", "cidr", "except"), _is_labels_or_cidr),
        Check(("cidr",), _is_not_mapped),
        Check(("cidr", "except"), _exceptions_are_inside),
    ),
)


def _rule(others: str, says: str) -> Record[Rule]:
    """The description of a Rule. ``others``: what its others are called, ``says``: of them."""

    def build(action: str, ports: tuple[Port, ...], **said: tuple[Others, ...]) -> Rule:
        return Rule(action, said[others], ports)

    return Record(
        build=build,
        fields={
            "action": Field(
                Choice((ALLOW, DENY)), "Whether it allows or denies; of all policies, a denial comes first.", ALLOW
            ),
            others: Field(List(OTHERS), says, []),
            "ports": Field(List(PORT), "By which ports; `[]`: by all, of every protocol.", []),
        },
    )


FROM = "from"
TO = "to"
INGRESS = List(_rule(FROM, "From whom; `[]`: from everywhere. `{}` in it: all peers of the policy's scope."))
EGRESS = List(_rule(TO, "To whom; `[]`: to everywhere. `{}` in it: all peers of the policy's scope."))
