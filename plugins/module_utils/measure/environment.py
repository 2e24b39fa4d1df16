# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Under what circumstances a benchmark ran: texts of programs and files reduced to values, and two runs compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# What throughput and latency of a tunnel hang on.
SYSCTLS = (
    "net.core.default_qdisc",
    "net.core.netdev_budget",
    "net.core.netdev_max_backlog",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_mtu_probing",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)
NOTHING = "nothing"


class Difference(NamedTuple):
    """place: dotted, `nas1.links.wg1.mtu`. before, after: as text; NOTHING where only one run knows the place."""

    place: str
    before: str
    after: str


def offloads(text: str) -> tuple[str, ...]:
    """Names of the features that `ethtool -k` says are on, sorted."""
    return tuple(sorted(re.findall(r"^\s*([a-z0-9_-]+): on\b", text, re.MULTILINE)))


def processor(text: str) -> str | None:
    """The model out of /proc/cpuinfo, whatever the architecture calls it."""
    found = re.search(r"^(?:model name|Model|Hardware|cpu model|uarch)\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else None


def version(text: str) -> str | None:
    """The first thing that looks like one in what a program says of itself: `3.12`, `1.0.20210914`, `20221126`."""
    found = re.search(r"\b(?:v|s)?(\d+(?:\.\d+)+(?:[-+~.]\w+)*|\d{8})\b", text)
    return found.group(1) if found else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What two trees of values do not have in common, in the order of the places' names."""
    old, new = dict(leaves(before)), dict(leaves(after))
    return tuple(
        Difference(place, old.get(place, NOTHING), new.get(place, NOTHING))
        for place in sorted(set(old) | set(new))
        if old.get(place, NOTHING) != new.get(place, NOTHING)
    )


def leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """(dotted place, value as text) of everything in a tree; NOTHING for None."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{name}.")
        elif isinstance(value, (list, tuple)):
            yield above + name, " ".join(str(item) for item in value)
        else:
            yield above + name, NOTHING if value is None else str(value)
