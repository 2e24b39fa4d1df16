# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host's status as lines for a terminal: what is wrong first, then what there is."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator, Sequence

from ...model.status import (
    ABSENT,
    BLOCKED,
    DRIFT,
    FRESH,
    IN_SYNC,
    NEVER,
    NO_PLAN,
    Denied,
    Ending,
    HostStatus,
    PeerStatus,
)

_STATES = {
    IN_SYNC: "in sync with its plan",
    DRIFT: "differs from its plan",
    BLOCKED: "as planned, but the next run would be refused",
    NO_PLAN: "no plan is stored here",
}


def lines(status: HostStatus) -> list[str]:
    return list(map(printable, _lines(status)))


def printable(line: str) -> str:
    """Without anything that a terminal would obey: names come from hosts and files."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _lines(status: HostStatus) -> Iterator[str]:
    whose = f"{status.host} ({status.role}): " if status.host else ""
    yield f"{whose}{_STATES[status.state]}"
    for difference in status.drift.differences:
        yield f"  {difference}"
    for subject, message in status.drift.in_the_way:
        yield f"  in the way: {subject}: {message}"
    for note in status.drift.notes:
        yield f"  note: {note}"
    yield from (f"  {line}" for line in changes(status))
    if status.plan is not None:
        yield f"plan {status.plan.digest[:12]}, stored {span(status.now - status.plan.stored)} ago"
    if status.services:
        yield "services: " + ", ".join(one.unit + ("" if one.runs else " DOES NOT RUN") for one in status.services)
    if status.policed:
        yield "policed: " + ", ".join(one.interface + ("" if one.attached else " OPEN") for one in status.policed)
    yield from (ending(one, status.now) for one in status.endings)
    if status.denied:
        yield "denied: " + ", ".join(map(_denied, status.denied))
    yield from table(
        ("tunnel", "to", "underlay", "VNI", "MTU", "received", "sent", "lost"),
        [
            (
                *(one.link if one.up else f"{one.link} DOWN", one.far, one.remote, str(one.vni), str(one.mtu)),
                *(size(one.carried.received), size(one.carried.sent), str(one.carried.dropped)),
            )
            for one in status.tunnels
        ],
    )
    yield from table(
        ("WireGuard", "peer", "key", "endpoint", "handshake", "received", "sent"),
        [
            (one.link, one.name, one.key, one.endpoint, handshake(one, status.now), size(one.received), size(one.sent))
            for one in status.peers
        ],
    )


def changes(status: HostStatus) -> Iterator[str]:
    """The change that nobody has confirmed yet, and the last one where that did not last."""
    one, gone = status.pending, status.rolled_back
    if one is not None:
        what = "waits for its confirmation" if one.applied else "is under way, or was ended in its middle"
        since = "since before this boot" if one.since is None else f"since {utc(one.since)}"
        ends = f"rolled back at {utc(one.ends)}, in {max(0, one.ends - status.now)} s"
        yield f"change {one.number} by {one.by} {what}: {since}, {ends}"
    if gone is not None:
        yield f"change {gone.number} by {gone.by} was rolled back {span(status.now - gone.when)} ago: {gone.why}"


def ending(one: Ending, now: int) -> str:
    if one.expires is None:
        return f"key of {one.name} on {one.link}: a new one waits for its first handshake"
    left = one.expires - now
    return f"client {one.name} on {one.link}: " + (
        f"expires in {span(left)}" if left > 0 else f"expired {span(-left)} ago"
    )


def handshake(peer: PeerStatus, now: int) -> str:
    """`42 s ago`, `stale, 3 h ago`, `never`, or that the peer is not there at all."""
    if peer.state in {NEVER, ABSENT}:
        return "never" if peer.state == NEVER else "MISSING"
    said = f"{span(max(0, now - peer.handshake))} ago"
    return said if peer.state == FRESH else f"{peer.state}, {said}"


def _denied(one: Denied) -> str:
    return f"{one.packets} {one.reason}" + (" (observed)" if one.observed else "")


def span(seconds: int) -> str:
    """One number and its unit: what is long ago need not be known to the second."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{max(0, seconds)} s"


def size(octets: int) -> str:
    amount, units = float(octets), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount /= 1024
        del units[0]
    return f"{octets} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def utc(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment)) + " UTC"


def width(text: str) -> int:
    """Columns that a terminal takes for it: letters of East Asia take two."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(bool(unicodedata.combining(letter)) for letter in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their longest cell; nothing without rows."""
    if not rows:
        return
    everything = [head, *rows]
    widths = [max(width(row[column]) for row in everything) for column in range(len(head))]
    for row in everything:
        yield "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths)).rstrip()
