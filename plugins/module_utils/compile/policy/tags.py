# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which tag the networks of one host have in the marks of its packets, and with it which routing table.

Marks do not leave a host, so each host numbers its own networks. A network keeps its tag as long as it is there, and
gets it again if it comes back while the tag rests; a new one gets the lowest that was never used, else the longest
released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...model.errors import Fault
from ...model.marks import FIRST_TAG, LAST_TAG, TABLE_BASE


class Tags(NamedTuple):
    """What is remembered of a host. given: by network. released: (tag, network that had it), the longest free first."""

    given: Mapping[str, int] = MappingProxyType({})
    released: tuple[tuple[int, str], ...] = ()


NONE = Tags()


def table_of(tag: int) -> int:
    """The routing table of the network with this tag."""
    return TABLE_BASE + tag


def allocated(host: str, networks: Iterable[str], remembered: Tags = NONE) -> tuple[Tags, tuple[Fault, ...]]:
    """Give every network of the host a tag. host: its name, for faults. With a fault nothing is given to new ones."""
    wanted = sorted(set(networks))
    room = LAST_TAG - FIRST_TAG + 1
    if len(wanted) > room:
        message = f"is in {len(wanted)} networks, and marks tell {room} apart; move some of their peers to another host"
        return remembered, (Fault(host, "networks", message),)
    given = {name: tag for name, tag in remembered.given.items() if name in wanted}
    gone = sorted((tag, name) for name, tag in remembered.given.items() if name not in wanted)
    resting = {tag: name for tag, name in (*remembered.released, *gone) if tag not in given.values()}
    # Of several that rest for one, the one it had last.
    had = {name: tag for tag, name in resting.items()}
    unused = [tag for tag in range(FIRST_TAG, LAST_TAG + 1) if tag not in resting and tag not in given.values()]
    waiting = [name for name in wanted if name not in given]
    for name in [*filter(had.__contains__, waiting), *(name for name in waiting if name not in had)]:
        tag = had.get(name) or (unused.pop(0) if unused else next(iter(resting)))
        given[name] = tag
        resting.pop(tag, None)
    return Tags(dict(sorted(given.items())), tuple(resting.items())), ()


def document(tags: Tags) -> dict[str, Any]:
    """As it stands in the ledger's JSON."""
    return {"given": dict(tags.given), "released": [list(pair) for pair in tags.released]}


def from_document(value: Any) -> Tags:
    """What document() made of tags. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    given = {str(name): _tag(tag) for name, tag in value["given"].items()}
    released = tuple((_tag(tag), str(name)) for tag, name in value["released"])
    owners: dict[int, str] = {}
    for tag, name in (*((tag, name) for name, tag in given.items()), *released):
        if tag in owners:
            raise ValueError(f"{owners[tag]} and {name} both have the tag {tag}")
        owners[tag] = name
    return Tags(given, released)


def _tag(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not FIRST_TAG <= value <= LAST_TAG:
        raise ValueError(f"{value!r} is no tag ({FIRST_TAG} to {LAST_TAG})")
    return value
