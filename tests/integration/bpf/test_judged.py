# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Packets like one that has just passed are not judged again, for a second, by the same generation of the policy."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import JUDGED
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import FIRST, answer, echo, packet, query, tcp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)
each_kind = pytest.mark.parametrize("kind", ["tcp", "udp", "sctp"])


def noted(stage: Stage) -> dict[bytes, bytes]:
    return calls.read_all("judged", stage.map("judged"))


def warm(stage: Stage, family: str, kind: str) -> None:
    """A flow of which both directions are known. A connection is asked for once, and then goes on."""
    questions = [tcp(), tcp(flags="A"), tcp(flags="A")] if kind == "tcp" else [query(family, kind)] * 3
    for what in questions:
        assert stage.show(packet("web", "db", family, what), "web").said == "PASS"
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "PASS"
    assert len(noted(stage)) == 2


@both
@each_kind
def test_what_has_passed_passes_without_a_verdict(stage: Stage, family: str, kind: str) -> None:
    warm(stage, family, kind)
    stage.forget_verdicts()
    going = tcp(flags="A") if kind == "tcp" else query(family, kind)
    found = stage.show(packet("web", "db", family, going), "web")
    assert (found.said, found.mark) == ("PASS", FIRST << 24)
    found = stage.show(packet("db", "web", family, answer(family, kind)), "db")
    assert (found.said, found.mark) == ("PASS", FIRST << 24)


@both
def test_a_new_connection_is_always_judged(stage: Stage, family: str) -> None:
    warm(stage, family, "tcp")
    stage.forget_verdicts()
    assert stage.show(packet("web", "db", family, tcp()), "web").said == "NO_RULE"
    assert stage.show(packet("db", "web", family, tcp(40000, "S", 5432)), "db").said == "NO_RULE"


@both
@each_kind
def test_a_second_later_it_is_judged_again(stage: Stage, family: str, kind: str) -> None:
    warm(stage, family, kind)
    stage.forget_verdicts()
    for key, value in noted(stage).items():
        (seen,) = struct.unpack_from("=Q", value)
        calls.put(stage.map("judged"), key, struct.pack("=Q", (seen - 2 * 10**9) % (1 << 64)) + value[8:])
    going = tcp(flags="A") if kind == "tcp" else query(family, kind)
    assert stage.show(packet("web", "db", family, going), "web").said == "NO_RULE"
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "NO_RULE"


@both
@each_kind
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_another_generation_judges_anew(stage: Stage, family: str, kind: str, turns: int) -> None:
    """Also when it is in the same slot again."""
    warm(stage, family, kind)
    stage.forget_verdicts()
    for _turn in range(turns):
        stage.switch_again()
    assert noted(stage)
    going = tcp(flags="A") if kind == "tcp" else query(family, kind)
    assert stage.show(packet("web", "db", family, going), "web").said == "NO_RULE"
    assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "NO_RULE"


@both
def test_only_the_same_packet_on_the_same_interface_is_known(stage: Stage, family: str) -> None:
    warm(stage, family, "udp")
    stage.forget_verdicts()
    question = packet("web", "db", family, query(family, "udp"))
    assert stage.show(question, "db").said == "SOURCE"
    assert stage.show(question, "far").said == "SOURCE"
    assert stage.show(question, "web", "egress").said == "SOURCE"
    for other in (tcp(53, "A"), query(family, "sctp"), tcp(53, "A", 40001)):
        assert stage.show(packet("web", "db", family, other), "web").said == "NO_RULE"


@both
def test_what_is_denied_observed_or_without_ports_is_not_noted(stage: Stage, family: str) -> None:
    for what in (tcp(9, "A"), tcp(22, "A"), tcp(23, "A"), echo(family)):
        for _turn in range(3):
            stage.show(packet("web", "db", family, what), "web")
    assert noted(stage) == {}


@both
def test_a_flow_of_one_packet_is_not_noted(stage: Stage, family: str) -> None:
    stage.show(packet("web", "db", family, query(family, "udp")), "web")
    assert noted(stage) == {}
    stage.show(packet("web", "db", family, query(family, "udp")), "web")
    assert [JUDGED.unpack(value)[3] for value in noted(stage).values()] == [FIRST]
