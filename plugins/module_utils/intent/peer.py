# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Peers: who a packet may come from and go to, known to policies by labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .address import UNUSABLE, Address, Cidr
from .collection import List, Map
from .label import LABELS
from .names import CLIENT, HOST, NAMESPACE, PEER
from .schema import Check, Field, Record


class Containers(NamedTuple):
    """Those on some runners, inventory names, that Docker knows with all of these labels; at least one of each."""

    runners: tuple[str, ...]
    labels: Mapping[str, str]


class Peer(NamedTuple):
    """namespace: name of one. labels: key → value. Exactly one of the others says who it is (not None, not empty):

    client: name of a WireGuard client. server: name of a server. runner: inventory name of a runner.
    addresses: bare, canonical text. subnets: networks in canonical text. containers: those with certain labels.
    """

    namespace: str
    labels: Mapping[str, str]
    client: str | None
    server: str | None
    runner: str | None
    addresses: tuple[str, ...]
    subnets: tuple[str, ...]
    containers: Containers | None = None


# What a peer is, one of these.
_BEINGS = ("client", "server", "runner", "addresses", "subnets", "containers")


def _is_one_thing(*beings: object) -> Iterator[tuple[str, str]]:
    given = [field for field, being in zip(_BEINGS, beings) if being is not None]
    choice = f"{', '.join(_BEINGS[:-1])} or {_BEINGS[-1]}"
    if not given:
        yield "", f"does not say who it is; give one of {choice}"
    for other in given[1:]:
        yield other, f"stands beside {given[0]}; a peer is one of {choice}: make another peer of it"


def _peer(addresses: tuple[str, ...] | None, subnets: tuple[str, ...] | None, **said: Any) -> Peer:
    return Peer(addresses=addresses or (), subnets=subnets or (), **said)


def _some_label(labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not labels:
        message = "names none, so that it would be every container; give one, or make a peer of the runner"
        yield "labels", message


CONTAINERS = Record(
    build=Containers,
    fields={
        "runners": Field(
            List(HOST, at_least=1, unique=True, words="a list of inventory names"),
            "The runners that they may be on: inventory names.",
            required=True,
        ),
        "labels": Field(LABELS, "Labels that Docker has to know all of, with these values.", required=True),
    },
    checks=(Check(("labels",), _some_label),),
)
POLICED_PEER = Record(
    build=_peer,
    fields={
        "namespace": Field(NAMESPACE, "The namespace that it lies in: a name below `namespaces`.", required=True),
        "labels": Field(LABELS, "Labels, in the syntax of Kubernetes: policies select by them.", {}),
        "client": Field(CLIENT, "The WireGuard client that it is: a name below `clients`.", absent="another thing"),
        "server": Field(HOST, "The server that it is: a name below `servers`.", absent="another thing"),
        "runner": Field(
            HOST, "The runner, with its containers, that it is: an inventory name.", absent="another thing"
        ),
        "addresses": Field(
            List(Address(unusable=UNUSABLE), at_least=1, unique=True, words="a list of IP addresses"),
            "The addresses that it has, in its network's cidrs.",
            absent="another thing",
        ),
        "subnets": Field(
            List(Cidr(unusable=UNUSABLE), at_least=1, unique=True, words="a list of IP networks"),
            "The networks that all its machines are in, in its network's cidrs. Within them, longer ones of other "
            "peers, and their addresses, are those peers'.",
            absent="another thing",
        ),
        "containers": Field(
            CONTAINERS,
            "The containers that it is, by the labels that Docker has of them. An address that another peer declares "
            "is that peer's, whatever its container's labels.",
            absent="another thing",
        ),
    },
    checks=(Check(_BEINGS, _is_one_thing),),
)
PEERS = Map(PEER, POLICED_PEER, noun="peer")
