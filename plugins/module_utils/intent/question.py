# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What somebody asks of policies, in the words of the intent's tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from ..model.errors import Fault, QuestionError
from .node import Entry, Report, Scalar, shown
from .node import Mapping as MappingNode
from .policy_test import Party, is_address, is_of_a_family
from .port import ICMP_TYPE, PORT_NUMBER, PROTOCOL, has_types, misplaced
from .references import unknown
from .rule import FROM, TO
from .schema import Check, Field, Record

# A table that has more columns is read by nobody.
MOST_PEERS = 40
MOST_SERVICES = 16

T = TypeVar("T")


class Service(NamedTuple):
    """protocol: as of a rule's port. port: of ICMP and ICMPv6, the type of message."""

    protocol: str
    port: int

    def __str__(self) -> str:
        return f"{self.protocol} {'type ' if has_types(self.protocol) else ''}{self.port}"


class Question(NamedTuple):
    """source, destination: names of peers, or addresses in canonical text."""

    source: str
    destination: str
    service: Service


class Table(NamedTuple):
    """services: each of them between all of peers, by name."""

    services: tuple[Service, ...]
    peers: tuple[str, ...]


def _is_one_packet(protocol: str, port: int | None, message_type: int | None) -> Iterator[tuple[str, str]]:
    yield from misplaced(protocol, port, message_type)
    if port is None and message_type is None:
        yield ("type" if has_types(protocol) else "port"), f"is missing; a question about {protocol} needs it"


def _are_of_one_family(source: str, destination: str) -> Iterator[tuple[str, str]]:
    if is_address(source) and is_address(destination) and (":" in source) != (":" in destination):
        yield TO, f"no packet has {destination} and {source} for its ends; ask about two addresses of one family"


def _service(protocol: str, port: int | None, **said: Any) -> Service:
    return Service(protocol, said["type"] if port is None else port)


def _question(**said: Any) -> Question:
    return Question(said.pop(FROM), said.pop(TO), _service(**said))


_SERVICE = Record(
    build=_service,
    fields={
        "protocol": Field(PROTOCOL, "The protocol.", required=True),
        "port": Field(PORT_NUMBER, "Of TCP, UDP and SCTP: the destination port.", absent="required there"),
        "type": Field(ICMP_TYPE, "Of ICMP and ICMPv6: the type of message.", absent="required there"),
    },
    checks=(Check(("protocol", "port", "type"), _is_one_packet),),
)
_QUESTION = Record(
    build=_question,
    fields={
        FROM: Field(Party(), "Who sends: a peer, or an address.", required=True),
        TO: Field(Party(), "Who receives: a peer, or an address.", required=True),
        **_SERVICE.fields,
    },
    checks=(
        *_SERVICE.checks,
        Check((FROM, TO), _are_of_one_family),
        Check(("protocol", FROM, TO), is_of_a_family),
    ),
)


def question(said: Mapping[str, Any], peers: Collection[str]) -> Question:
    """said: from, to, protocol, and port or type; None: not said. peers: all that there are. Raises QuestionError with
    everything that is wrong."""
    faults: list[Fault] = []
    found = _read(_QUESTION, said, faults)
    wrong = {fault.place for fault in faults}
    for field in (FROM, TO):
        if field not in wrong and not is_address(said[field]):
            faults += _stranger(field, said[field], peers)
    if faults or found is None:
        raise QuestionError(tuple(faults))
    return found


def table(services: Iterable[str], names: Collection[str], peers: Collection[str]) -> Table:
    """services: as ``TCP/443`` or ``ICMP/8``. names: the peers that are meant, none: all of peers. Raises QuestionError
    with everything that is wrong."""
    faults: list[Fault] = []
    found: dict[Service, None] = {}
    for text in services:
        protocol, _slash, number = text.partition("/")
        # Where it cannot be told, a port is meant.
        wrong: list[Fault] = []
        service = _read(_SERVICE, {"protocol": protocol, _number_of(protocol): number or None}, wrong)
        faults += [Fault("ports", shown(text), f"{fault.place}: {fault.message}") for fault in wrong]
        if service is not None:
            found[service] = None
    for name in names:
        faults += _stranger("peers", name, peers)
    meant = tuple(sorted(set(names) or set(peers)))
    if len(meant) > MOST_PEERS:
        message = f"{len(meant)} are more than the {MOST_PEERS} that a table holds; name those that matter here"
        faults.append(Fault("peers", "", message))
    if len(found) > MOST_SERVICES:
        message = f"{len(found)} are more than the {MOST_SERVICES} that are answered at once; ask again for the others"
        faults.append(Fault("ports", "", message))
    if not found and not faults:
        faults.append(Fault("ports", "", "is empty; give some, as TCP/443 or ICMP/8"))
    if faults:
        raise QuestionError(tuple(faults))
    return Table(tuple(found), meant)


def _number_of(protocol: str) -> str:
    return "type" if has_types(protocol) else "port"


def _stranger(place: str, name: str, peers: Collection[str]) -> list[Fault]:
    fault = unknown(name, peers, "peers")
    return [Fault(place, "", fault)] if fault else []


def _read(record: Record[T], said: Mapping[str, Any], faults: list[Fault]) -> T | None:
    """The value; None: there are faults, which are added."""
    entries = (Entry(Scalar(1, key), Scalar(1, str(value))) for key, value in said.items() if value is not None)
    report = Report("")
    found = record.read(MappingNode(1, tuple(entries)), "", report)
    wrong = report.faults()
    faults += [Fault(fault.path, "", fault.message) for fault in wrong]
    return None if wrong else found
