# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What links and WireGuard peers have carried, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model.link import WIREGUARD, Link
from ..model.status import Carried
from .programs import find
from .wireguard.tool import wg

# Of this process's network namespace, and of all links at once.
_COUNTERS = "/proc/self/net/dev"
# Columns after the name (net/core/net-procfs.c): eight of what was received, then eight of what was sent.
_OCTETS, _PACKETS, _ERRORS, _DROPPED, _SENT = 0, 1, 2, 3, 8


def by_link(path: str = _COUNTERS) -> Mapping[str, Carried]:
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        lines = stream.read().splitlines()[2:]
    return {name.strip(): _carried(tail.split()) for name, _colon, tail in (line.rpartition(":") for line in lines)}


def _carried(words: list[str]) -> Carried:
    numbers = [int(word) for word in words]
    lost = sum(numbers[side + column] for side in (0, _SENT) for column in (_ERRORS, _DROPPED))
    return Carried(numbers[_OCTETS], numbers[_SENT + _OCTETS], numbers[_PACKETS], numbers[_SENT + _PACKETS], lost)


def by_peer(links: Iterable[Link]) -> Mapping[tuple[str, str], tuple[int, int]]:
    """{(link, public key): (octets received, sent)} of our links. This answer of wg(8) has no secret in it. Raises
    KernelError."""
    names = {link.name for link in links if link.kind == WIREGUARD}
    if not names or not find("wg"):
        return {}
    rows = [line.split("\t") for line in wg("WireGuard devices", "show", "all", "transfer").splitlines()]
    return {(link, key): (int(received), int(sent)) for link, key, received, sent in rows if link in names}
