# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What policies must do, said once more, by example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .address import UNUSABLE, Address
from .collection import List
from .names import PEER
from .port import ICMP, ICMP_TYPE, ICMPV6, PORT_NUMBER, PROTOCOL, has_types, misplaced
from .rule import ALLOW, DENY, FROM, TO
from .scalar import Choice, Single
from .schema import Check, Field, Record


class PolicyTest(NamedTuple):
    """source, destination: names of peers, or addresses in canonical text. protocol: as of a rule's port.

    port: of TCP, UDP and SCTP; of ICMP and ICMPv6 the type. expect: rule.ALLOW or rule.DENY.
    """

    source: str
    destination: str
    protocol: str
    port: int | None
    expect: str


def is_address(party: str) -> bool:
    """Whether one end of a test is an address; names of peers begin with a letter, and have no colon."""
    return ":" in party or party[:1].isdigit()


@dataclass(frozen=True)
class Party(Single[str]):
    """One end of a test."""

    words: str = "a peer name or an IP address"

    def parse(self, text: str) -> str:
        return (_ADDRESS if is_address(text) else PEER).parse(text)

    def schema(self) -> dict[str, object]:
        return {"anyOf": [PEER.schema(), _ADDRESS.schema()]}


_ADDRESS = Address(unusable=UNUSABLE)


def _one_is_a_peer(source: str, destination: str) -> Iterator[tuple[str, str]]:
    if is_address(source) and is_address(destination):
        yield (
            TO,
            f"{destination} is an address, as {source} is; one of the two is a peer, in whose network the other is",
        )


def is_of_a_family(protocol: str, source: str, destination: str) -> Iterator[tuple[str, str]]:
    """Faults of an address that never has such a message."""
    for field, party in (FROM, source), (TO, destination):
        if not is_address(party) or not has_types(protocol):
            continue
        right = ICMPV6 if ":" in party else ICMP
        if protocol != right:
            yield field, f"{party} never has {protocol}; give protocol: {right}, or an address of the other family"


def _is_one_packet(protocol: str, port: int | None, message_type: int | None) -> Iterator[tuple[str, str]]:
    yield from misplaced(protocol, port, message_type)
    if has_types(protocol) and port is None and message_type is None:
        yield "type", f"is missing; a test of {protocol} needs it"
    if not has_types(protocol) and port is None and message_type is None:
        yield "port", f"is missing; a test of {protocol} needs it"


def _test(protocol: str, port: int | None, expect: str, **said: Any) -> PolicyTest:
    return PolicyTest(said[FROM], said[TO], protocol, said["type"] if port is None else port, expect)


POLICY_TEST = Record(
    build=_test,
    fields={
        FROM: Field(Party(), "Who sends: a peer, or an address.", required=True),
        TO: Field(Party(), "Who receives: a peer, or an address.", required=True),
        "protocol": Field(PROTOCOL, "The protocol.", required=True),
        "port": Field(PORT_NUMBER, "Of TCP, UDP and SCTP: the destination port.", absent="required there"),
        "type": Field(ICMP_TYPE, "Of ICMP and ICMPv6: the type of message.", absent="required there"),
        "expect": Field(Choice((ALLOW, DENY)), "What the policies must say.", required=True),
    },
    checks=(
        Check((FROM, TO), _one_is_a_peer),
        Check(("protocol", FROM, TO), is_of_a_family),
        Check(("protocol", "port", "type"), _is_one_packet),
    ),
)
TESTS = List(POLICY_TEST)
