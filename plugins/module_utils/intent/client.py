# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clients of WireGuard interfaces: people's devices, and hosts of the inventory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .address import UNUSABLE, Address
from .collection import Map
from .key import PublicKey
from .label import LABELS
from .moment import Moment
from .names import CLIENT, HOST, INTERFACE, PROFILE
from .scalar import Boolean
from .schema import Check, Field, Record
from .server import Pair, pair
from .text import Line


class Client(NamedTuple):
    """interface, profile: names. labels: key → value. expires: Unix time from which on it has no access, None: never.

    owner: for the reader. public_key: made by the client itself (base64), None: made by the server or by `host`.
    host: inventory name of the machine that is this client and that Ansible manages, None: nobody's.
    addresses: pinned ones, bare; None: allocated. preshared: whether the pair has a preshared key.
    """

    interface: str
    profile: str
    labels: Mapping[str, str]
    expires: int | None
    owner: str | None
    public_key: str | None
    host: str | None
    addresses: Pair | None
    preshared: bool


def _one_makes_the_key(public_key: str | None, host: str | None) -> Iterator[tuple[str, str]]:
    if public_key is not None and host is not None:
        yield "public_key", f"{host} makes its key itself, because host says so; delete public_key or host"


VPN_CLIENT = Record(
    build=Client,
    fields={
        "interface": Field(INTERFACE, "The interface that it connects to.", required=True),
        "profile": Field(PROFILE, "What it may reach: a profile that `bindings` allows there.", required=True),
        "labels": Field(LABELS, "Labels, in the syntax of Kubernetes.", {}),
        "expires": Field(
            Moment(), "Until when it has access: the end of a day (UTC), or a time with its offset.", absent="never"
        ),
        "owner": Field(Line(200), "Whose it is, for the reader.", absent="nobody's name"),
        "public_key": Field(
            PublicKey(), "Its own public key, if it made its key itself.", absent="the key is made for it"
        ),
        "host": Field(
            HOST, "The inventory name of the machine that is this client, if Ansible manages it.", absent="none"
        ),
        "addresses": Field(
            pair(Address(4, UNUSABLE), Address(6, UNUSABLE), "Its {} address in the interface's network."),
            "Pinned addresses.",
            absent="the next free ones",
        ),
        "preshared": Field(Boolean(), "Whether it shares a secret key with the server besides.", True),
    },
    checks=(Check(("public_key", "host"), _one_makes_the_key),),
)
CLIENTS = Map(CLIENT, VPN_CLIENT, noun="client")
