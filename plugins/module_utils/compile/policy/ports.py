# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports that no rule tells apart are one class, named by its lowest port. Types of ICMP messages are their own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from ...intent.port import Port
from ...model.policy import PROTOCOLS, WITH_PORTS, WITH_TYPES, PortClass

# (first, last) pairs, apart from each other and in order.
Ranges = tuple[tuple[int, int], ...]


class Coverage(NamedTuple):
    """What the ports of a rule say. everything: all of every protocol. whole: protocols of which all is meant.

    parts: by protocol, the port classes or types that are meant of others.
    """

    everything: bool
    whole: frozenset[int]
    parts: dict[int, frozenset[int]]

    def holds(self, protocol: int, port: int) -> bool:
        """Whether it is about a port class, or a type, of a protocol."""
        return self.holds_all_of(protocol) or port in self.parts.get(protocol, ())

    def holds_all_of(self, protocol: int) -> bool:
        return self.everything or protocol in self.whole


class _Protocol:
    """The classes of one protocol's ports. starts: where one ends and another begins; classes: which begins there."""

    def __init__(self, lists: Iterable[Ranges]) -> None:
        changes: dict[int, int] = {0: 0}
        for number, ranges in enumerate(sorted(set(lists))):
            for first, last in ranges:
                changes[first] = changes.get(first, 0) ^ 1 << number
                changes[last + 1] = changes.get(last + 1, 0) ^ 1 << number
        self.starts: list[int] = []
        self.classes: list[int] = []
        named: dict[int, int] = {}
        covering = 0
        for port in sorted(changes):
            if port <= 65535:
                # Which lists have the ports from here on; the first port with the same ones names the class.
                covering ^= changes[port]
                self.starts.append(port)
                self.classes.append(named.setdefault(covering, port))

    def classes_in(self, ranges: Ranges) -> frozenset[int]:
        return frozenset(
            class_
            for first, last in ranges
            for class_ in self.classes[bisect_right(self.starts, first) - 1 : bisect_left(self.starts, last + 1)]
        )


class PortClasses:
    """Of all rules of a domain."""

    def __init__(self, lists: Iterable[tuple[Port, ...]]) -> None:
        parts = [_parts(ports) for ports in set(lists)]
        self._protocols = {
            protocol: _Protocol(part[protocol] for part in parts if protocol in part) for protocol in WITH_PORTS
        }
        self._known: dict[tuple[Port, ...], Coverage] = {}

    def table(self) -> tuple[PortClass, ...]:
        return tuple(
            PortClass(protocol, first, class_)
            for protocol, found in self._protocols.items()
            for first, class_ in zip(found.starts, found.classes)
        )

    def coverage(self, ports: tuple[Port, ...]) -> Coverage:
        """ports: of one of the rules."""
        if ports not in self._known:
            self._known[ports] = self._coverage(ports)
        return self._known[ports]

    def _coverage(self, ports: tuple[Port, ...]) -> Coverage:
        parts: dict[int, frozenset[int]] = {}
        for protocol, ranges in _parts(ports).items():
            if protocol in WITH_TYPES:
                parts[protocol] = frozenset(number for first, last in ranges for number in range(first, last + 1))
            else:
                parts[protocol] = self._protocols[protocol].classes_in(ranges)
        return Coverage(not ports, frozenset(_whole(ports)), parts)


def _whole(ports: tuple[Port, ...]) -> set[int]:
    return {PROTOCOLS[port.protocol] for port in ports if port.first is None}


def _parts(ports: tuple[Port, ...]) -> dict[int, Ranges]:
    """By protocol of which not all is meant, what is."""
    whole, found = _whole(ports), dict[int, list[tuple[int, int]]]()
    for port in ports:
        protocol = PROTOCOLS[port.protocol]
        if port.first is not None and port.last is not None and protocol not in whole:
            found.setdefault(protocol, []).append((port.first, port.last))
    return {protocol: _merged(ranges) for protocol, ranges in found.items()}


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
