# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host tells of a packet that its policy denied, and the one line of JSON that it tells it in."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

AUDIT_FOLDER = "/var/lib/weft/audit"

# How names are said that no policy has (any more), or that there never were.
UNKNOWN = "unknown"


class Denial(NamedTuple):
    """time: UTC, ISO 8601 with microseconds. network, source, destination, rule: names; what has none (any more) says
    its kind and number, ``identity 300``. Ends without an identity are UNKNOWN. None: the packet has no such thing, or
    it was not read. protocol: of IP, or ``ARP``; None: it was not read. type: of an ICMP message. reason: its name.
    rule: ``policies.NAME.ingress[2]``; None: no rule decided. observed: the packet passed all the same. length: octets.
    held_back: how many lines of the same sender were left out before this one.
    """

    time: str
    host: str
    reason: str
    source: str
    destination: str
    interface: str
    direction: str
    length: int
    observed: bool = False
    network: str | None = None
    source_address: str | None = None
    source_port: int | None = None
    destination_address: str | None = None
    destination_port: int | None = None
    protocol: str | None = None
    type: int | None = None
    rule: str | None = None
    held_back: int = 0


_TYPES: dict[str, type] = {
    **dict.fromkeys(Denial._fields, str),
    **dict.fromkeys(("length", "source_port", "destination_port", "type", "held_back"), int),
    "observed": bool,
}


def to_line(denial: Denial) -> str:
    """One line without its end, ASCII; what is None is left out, and held_back where it is 0."""
    found = {name: value for name, value in denial._asdict().items() if value is not None}
    if not denial.held_back:
        del found["held_back"]
    return json.dumps(found, separators=(", ", ": "))


def from_line(line: str) -> Denial | None:
    """None for anything that to_line did not write: half a line, or what a disk made of one. What a later release
    says besides is passed over."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    known = {name: value for name, value in found.items() if name in _TYPES}
    if not all(_fits(value, _TYPES[name]) for name, value in known.items()):
        return None
    try:
        return Denial(**known)
    except TypeError:  # one that says less than every release
        return None


def _fits(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
