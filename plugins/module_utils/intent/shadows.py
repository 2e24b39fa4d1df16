# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the addresses come from by which peered networks with the same addresses know each other."""

from __future__ import annotations

from collections.abc import Iterator

from .address import UNUSABLE, Cidr, overlap
from .collection import List, Named
from .interface import Interface
from .schema import Check, Field, Where

Found = Iterator[tuple[Where, str]]

SHADOWS = Field(
    List(Cidr(unusable=UNUSABLE), unique=True, words="a list of IP networks"),
    "Addresses of nobody's, out of which peered networks that have the same cidrs get others for each other's eyes; a "
    "cidr takes one network of its size for each that is peered.",
    [],
)


def _are_apart(shadows: tuple[str, ...]) -> Found:
    for number, one in enumerate(shadows):
        other = next((known for known in shadows[:number] if known != one and overlap(known, one)), None)
        if other is not None:
            yield ("shadows", number), f"{one} overlaps {other}; keep the larger one"


def _are_nobodys(shadows: tuple[str, ...], networks: Named) -> Found:
    taken = [(f"networks.{name}", cidr) for name, network in networks.values.items() for cidr in network.cidrs]
    yield from _outside(shadows, taken)


def _are_not_the_overlays(shadows: tuple[str, ...], cidr: str) -> Found:
    yield from _outside(shadows, [("overlay.cidr", cidr)])


def _are_no_tunnels(shadows: tuple[str, ...], interfaces: Named) -> Found:
    yield from _outside(
        shadows, [(f"interfaces.{name}", taken) for name, one in interfaces.values.items() for taken in _taken(one)]
    )


def _taken(interface: Interface) -> Iterator[str]:
    yield from interface.lan
    yield from interface.subnets.both()


def _outside(shadows: tuple[str, ...], taken: list[tuple[str, str]]) -> Found:
    for number, one in enumerate(shadows):
        for field, other in taken:
            if overlap(one, other):
                yield ("shadows", number), f"{one} overlaps {other}, of {field}; choose one that nobody has"


CHECKS = (
    Check(("shadows",), _are_apart),
    Check(("shadows", "networks.*"), _are_nobodys),
    # Where the record has these too.
    Check(("shadows", "overlay.cidr"), _are_not_the_overlays),
    Check(("shadows", "interfaces.*"), _are_no_tunnels),
)
