# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Access profiles: what a client may reach, on whatever interface it is bound to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .address import UNUSABLE, Cidr
from .collection import List, Map
from .names import INTERFACE, PROFILE
from .scalar import Boolean, Choice
from .schema import Check, Field, Record

SPLIT = "split"
FULL = "full"


class Profile(NamedTuple):
    """lan: the interface's lan networks and the server itself. internet: what is not internal, behind the server.

    clients: the other clients of the interface. subnets: further networks. exclude: networks cut out of all this.
    tunnel: SPLIT: the client sends only what it may reach; FULL: it sends everything (but exclude).
    """

    lan: bool
    internet: bool
    clients: bool
    subnets: tuple[str, ...]
    exclude: tuple[str, ...]
    tunnel: str


def _full_reaches_the_internet(internet: bool, tunnel: str) -> Iterator[tuple[str, str]]:
    if tunnel == FULL and not internet:
        message = (
            f"{FULL} sends everything into the tunnel, where it would end; give internet: true, or tunnel: {SPLIT}"
        )
        yield "tunnel", message


ACCESS_PROFILE = Record(
    build=Profile,
    fields={
        "lan": Field(Boolean(), "Whether it reaches the interface's `lan` networks and the server itself.", False),
        "internet": Field(Boolean(), "Whether it reaches the internet, which is all that is not private.", False),
        "clients": Field(Boolean(), "Whether it reaches the other clients of the interface.", False),
        "subnets": Field(List(Cidr(unusable=UNUSABLE), unique=True), "Further networks that it reaches.", []),
        "exclude": Field(List(Cidr(), unique=True), "Networks cut out of all the others.", []),
        "tunnel": Field(
            Choice((SPLIT, FULL)), "What clients send: only what they may reach, or everything but `exclude`.", SPLIT
        ),
    },
    checks=(Check(("internet", "tunnel"), _full_reaches_the_internet),),
)
PROFILES = Map(PROFILE, ACCESS_PROFILE, noun="profile")
BINDINGS = Map(INTERFACE, List(PROFILE, unique=True, words="a list of profiles"), noun="interface")
