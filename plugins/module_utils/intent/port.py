# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports of protocols that have them, and types of those that have types instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .scalar import Choice, Integer
from .schema import Check, Field, Record

TCP = "TCP"
UDP = "UDP"
SCTP = "SCTP"
ICMP = "ICMP"
ICMPV6 = "ICMPv6"


class Port(NamedTuple):
    """protocol: TCP, UDP, SCTP, ICMP or ICMPV6. first, last: ports, both included, or twice the type of an ICMP
    message; None, both: all of the protocol."""

    protocol: str
    first: int | None
    last: int | None


PROTOCOL = Choice((TCP, UDP, SCTP, ICMP, ICMPV6))
PORT_NUMBER = Integer(1, 65535, "a port")
ICMP_TYPE = Integer(0, 255, "a type of ICMP message")


def has_types(protocol: str) -> bool:
    """Whether a protocol has types of messages instead of ports."""
    return protocol in (ICMP, ICMPV6)


def misplaced(protocol: str, port: int | None, message_type: int | None) -> Iterator[tuple[str, str]]:
    """Faults of a port where there are only types, and of a type where there are only ports."""
    if has_types(protocol) and port is not None:
        yield "port", f"{protocol} has no ports; give type, or delete the line"
    if not has_types(protocol) and message_type is not None:
        yield "type", f"{protocol} has no types of messages; give port, or delete the line"


def _end_has_a_port(protocol: str, port: int | None, end: int | None) -> Iterator[tuple[str, str]]:
    if end is None:
        return
    if has_types(protocol):
        yield "end", f"{protocol} has no ports; give type, or delete the line"
    elif port is None:
        yield "end", f"{end} ends what begins nowhere; give port, where the range begins"
    elif end < port:
        yield "end", f"{end} is below port, {port}; a range begins with the lower one"


def _port(protocol: str, port: int | None, end: int | None, **said: Any) -> Port:
    first = said["type"] if port is None else port
    return Port(protocol, first, first if end is None else end)


PORT = Record(
    build=_port,
    fields={
        "protocol": Field(PROTOCOL, "The protocol; without one there is no port.", required=True),
        "port": Field(PORT_NUMBER, "Of TCP, UDP and SCTP: the port, the destination's.", absent="all"),
        "end": Field(PORT_NUMBER, "The last one of a range that begins with `port`.", absent="`port` alone"),
        "type": Field(ICMP_TYPE, "Of ICMP and ICMPv6: the type of message.", absent="all"),
    },
    checks=(
        Check(("protocol", "port", "type"), misplaced),
        Check(("protocol", "port", "end"), _end_has_a_port),
    ),
)
