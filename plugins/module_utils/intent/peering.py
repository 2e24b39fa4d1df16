# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks beside each other: which of them may speak, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .collection import Named
from .network import Network
from .references import unknown
from .schema import Check, Where

Found = Iterator[tuple[Where, str]]


def reach(networks: Mapping[str, Network]) -> dict[str, frozenset[str]]:
    """Each network → those whose peers may be named there: itself, and those peered with it.

    One side that names the other is enough here; that the other side does not is a fault of its own.
    """
    found = {name: {name} for name in networks}
    for name, network in networks.items():
        for other in network.peered:
            if other in found:
                found[name].add(other)
                found[other].add(name)
    return {name: frozenset(reached) for name, reached in found.items()}


def _both_say_so(networks: Named) -> Found:
    values: Mapping[str, Network] = networks.values
    for name, network in values.items():
        for number, other in enumerate(network.peered):
            where = ("networks", name, "peered", number)
            fault = unknown(other, networks.names, "networks")
            if fault:
                yield where, fault
            elif other == name:
                yield where, f"{name} is this network itself; delete it, its peers reach each other anyway"
            elif other in values and name not in values[other].peered:
                yield where, f"{other} does not name {name}; add it to networks.{other}.peered, or delete it here"


def _numbers_differ(networks: Named) -> Found:
    holder: dict[int, str] = {}
    for name in (name for name in networks.names if name in networks.values):
        number = networks.values[name].id
        other = name if number is None else holder.setdefault(number, name)
        if other != name:
            yield ("networks", name, "id"), f"{number} is the number of {other} too; each network has its own"


CHECKS = (
    Check(("networks.*",), _both_say_so),
    Check(("networks.*",), _numbers_differ),
)
