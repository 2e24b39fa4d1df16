# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Answers pass where the question did, and for as long as it still would."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import TCP
from scapy.packet import Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, PolicyMaps, Verdict
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import DB, KINDS, WEB, answer, echo, maps, packet, query, tcp, udp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)
each_kind = pytest.mark.parametrize("kind", KINDS)


def ask(stage: Stage, family: str, kind: str) -> None:
    assert stage.show(packet("web", "db", family, query(family, kind)), "web").said == "PASS"


def change(stage: Stage, new: PolicyMaps) -> None:
    """Another policy, with flows as they are."""
    flows = calls.read_all("flows", stage.map("flows"))
    stage.enforce(new)
    for key, value in flows.items():
        calls.put(stage.map("flows"), key, value)


def grow_old(stage: Stage, seconds: int) -> None:
    """Everything that is remembered of flows."""
    for name in ("flows", "judged"):
        for key, value in calls.read_all(name, stage.map(name)).items():
            (seen,) = struct.unpack_from("=Q", value)
            calls.put(stage.map(name), key, struct.pack("=Q", (seen - seconds * 10**9) % (1 << 64)) + value[8:])


@both
@each_kind
def test_an_answer_passes(stage: Stage, family: str, kind: str) -> None:
    ask(stage, family, kind)
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "PASS"


@pytest.mark.fault("F39")
@both
@each_kind
def test_a_withdrawn_policy_ends_a_flow_at_once(stage: Stage, family: str, kind: str) -> None:
    ask(stage, family, kind)
    change(stage, maps()._replace(verdicts=()))
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "NO_RULE"
    # and it may go on when the policy is back
    change(stage, maps())
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "PASS"


@both
def test_a_new_connection_is_no_answer(stage: Stage, family: str) -> None:
    ask(stage, family, "tcp")
    back = {"sport": 5432, "dport": 40000}
    for flags in ("SA", "A", "PA", "FA", "R", "RA"):
        assert stage.show(packet("db", "web", family, TCP(**back, flags=flags)), "db").said == "PASS", flags
    for flags in ("S", "SE", "SF", "SR", "SP"):
        assert stage.show(packet("db", "web", family, TCP(**back, flags=flags)), "db").said == "NO_RULE", flags


@both
def test_only_the_same_ports_answer(stage: Stage, family: str) -> None:
    ask(stage, family, "tcp")
    for source, port in ((5433, 40000), (5432, 40001), (40000, 5432)):
        assert stage.show(packet("db", "web", family, tcp(port, "A", source)), "db").said == "NO_RULE"


@both
def test_only_the_same_echo_is_answered(stage: Stage, family: str) -> None:
    ask(stage, family, "echo")
    assert stage.show(packet("db", "web", family, echo(family, reply=True, number=78)), "db").said == "NO_RULE"
    # what has been asked may not ask
    assert stage.show(packet("db", "web", family, echo(family)), "db").said == "NO_RULE"


@both
def test_only_who_was_asked_answers(stage: Stage, family: str) -> None:
    ask(stage, family, "udp")
    assert stage.show(packet("lan", "web", family, answer(family, "udp"), bare=True), "tun").said == "NO_RULE"
    assert stage.show(packet("db", "lan", family, answer(family, "udp")), "db").said == "NO_RULE"


@both
@pytest.mark.parametrize(("kind", "seconds"), [("tcp", 7440), ("sctp", 7440), ("udp", 300), ("echo", 60)])
def test_a_flow_is_forgotten_when_it_has_been_silent(stage: Stage, family: str, kind: str, seconds: int) -> None:
    ask(stage, family, kind)
    grow_old(stage, seconds - 10)
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "PASS"
    # The answer has made it young again.
    grow_old(stage, seconds - 10)
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "PASS"
    grow_old(stage, seconds + 10)
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "NO_RULE"


@both
def test_what_is_denied_opens_nothing(stage: Stage, family: str) -> None:
    for port in (22, 9):
        assert not stage.show(packet("web", "db", family, tcp(port)), "web").passed
        assert stage.show(packet("db", "web", family, tcp(40000, "SA", port)), "db").said == "NO_RULE"
    assert calls.read_all("flows", stage.map("flows")) == {}


@both
def test_the_answer_to_what_is_observed_passes(stage: Stage, family: str) -> None:
    """Nothing is dropped of what is observed; it was counted with the question."""
    assert stage.show(packet("web", "db", family, tcp(23)), "web").said == "observed RULE"
    assert stage.show(packet("db", "web", family, tcp(40000, "SA", 23)), "db").said == "PASS"


@both
def test_an_answer_is_not_asked_for_by_an_answer(stage: Stage, family: str) -> None:
    """A flow is known by its first packet only."""
    ask(stage, family, "udp")
    stage.show(packet("db", "web", family, answer(family, "udp")), "db")
    assert len(calls.read_all("flows", stage.map("flows"))) == 1


@pytest.mark.fault("F39")
@both
def test_an_answer_that_might_be_a_question_keeps_nothing_open(stage: Stage, family: str) -> None:
    """db may send to web whatever it likes. What web may no longer ask ends at once; what db says then is its own."""
    free = tuple(Verdict(DB, WEB, protocol, 0, ALLOW, 0, 0) for protocol in (6, 17))
    change(stage, maps()._replace(verdicts=maps().verdicts + free))
    for kind in ("tcp", "udp"):
        ask(stage, family, kind)
        assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "PASS"
    assert len(calls.read_all("flows", stage.map("flows"))) == 2
    change(stage, maps()._replace(verdicts=free))
    more = packet("web", "db", family, query(family, "udp"))
    assert stage.show(more, "web").said == "NO_RULE"
    assert stage.show(packet("web", "db", family, tcp(5432, "A")), "web").said == "NO_RULE"
    assert stage.show(packet("db", "web", family, answer(family, "udp")), "db").said == "PASS"
    assert stage.show(more, "web").said == "PASS"


@both
def test_who_is_not_its_address_any_more_gets_no_answers(stage: Stage, family: str) -> None:
    """The address of a peer is another's now: the flow was the first one's."""
    ask(stage, family, "tcp")
    gone = {f"{found}/{128 if ':' in found else 32}" for found in ADDRESSES["web"]}
    places = tuple(place for place in maps().destinations if place.prefix not in gone)
    change(stage, maps()._replace(destinations=places))
    found = stage.show(packet("db", "web", family, answer(family, "tcp")), "db")
    assert (found.said, found.destination != WEB) == ("NO_RULE", True)


@both
def test_protocols_without_ports_are_answered(stage: Stage, family: str) -> None:
    fields = {"nh" if family == "ipv6" else "proto": 47}
    assert stage.show(packet("db", "web", family, Raw(bytes(8)), **fields), "db").said == "NO_RULE"
    assert stage.show(packet("web", "db", family, Raw(bytes(8)), **fields), "web").said == "PASS"
    assert stage.show(packet("db", "web", family, Raw(bytes(8)), **fields), "db").said == "PASS"


@both
def test_the_world_answers_on_egress(stage: Stage, family: str) -> None:
    """What comes in by an interface that is not policed is judged where it leaves."""
    back = packet("world", "web", family, udp(40000, 443))
    assert stage.show(back, "web", "egress").said == "NO_RULE"
    assert stage.show(packet("web", "world", family, udp(443)), "web").said == "PASS"
    assert stage.show(back, "web", "egress").said == "PASS"
