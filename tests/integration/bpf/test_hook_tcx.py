# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rows of programs: who else is there, what former versions left at clsact, and what the kernel is asked for it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects, support, tcx
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import (
    Look,
    Policed,
    known,
    look,
    police,
    release,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import (
    CLSACT,
    EGRESS,
    INGRESS,
    PROGRAMS,
    TCX,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import LAST_WORD
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import FORWARDS, TUNNEL
from tests.integration.bpf.hooked import ROWS, at_hook, enter, take_out, tc
from tests.integration.bpf.place import ATTACHMENTS, FIRST, packet, query
from tests.integration.bpf.stage import DROP, OBJECTS, PASS, Stage, ip
from tests.integration.bpf.ways import go

WEB = Policed(1, 1, 0)
NOTHING = Look(None, (), ())
TC_ACT_OK = 0
EXPEDITED = Path("/sys/kernel/rcu_expedited")


@pytest.fixture
def host(empty: Stage) -> Stage:
    if not support.has_tcx():
        pytest.skip("this kernel has no TCX (6.6)")
    empty.add_links("web")
    return empty


@pytest.fixture
def stranger(host: Stage) -> Iterator[int]:
    """A program of somebody else's: what is at a hook that is not its own is none of ours."""
    handle = calls.pinned(objects.program_path(host.folder, EGRESS))
    yield handle
    os.close(handle)


def attached(host: Stage) -> list[tuple[str, str]]:
    return [(found.program, found.way) for found in look(host.folder, "web").attached]


def row() -> list[str]:
    """Names at the ingress hook of web."""
    return [name for name, _number in at_hook("web", INGRESS, TCX)]


def test_ours_come_before_those_that_are_there(host: Stage, stranger: int) -> None:
    tcx.put("web", socket.if_nametoindex("web"), tcx.INGRESS, stranger)
    assert look(host.folder, "web") == NOTHING
    police(host.folder, "web", WEB)
    assert row() == [INGRESS, EGRESS]
    assert look(host.folder, "web").before == ()
    objects.load(host.folder, OBJECTS)
    police(host.folder, "web", WEB)
    assert row() == [INGRESS, EGRESS]
    release(host.folder, "web")
    assert row() == [EGRESS]


def test_who_comes_before_ours_is_named_and_stays(host: Stage, stranger: int) -> None:
    police(host.folder, "web", WEB)
    tcx.put("web", socket.if_nametoindex("web"), tcx.INGRESS, stranger)
    assert look(host.folder, "web").before == (f"TCX program {EGRESS}",)
    police(host.folder, "web", WEB)
    assert row() == [EGRESS, INGRESS]


def test_a_second_one_of_ours_is_taken_out(host: Stage) -> None:
    """Somebody put it there: it would judge what has been judged."""
    device = socket.if_nametoindex("web")
    for _turn in range(2):
        objects.load(host.folder, OBJECTS)
        handle = calls.pinned(objects.program_path(host.folder, INGRESS))
        tcx.put("web", device, tcx.INGRESS, handle)
        os.close(handle)
    programs = {name: program.number for name, program in objects.load(host.folder, OBJECTS).items()}
    assert not look(host.folder, "web").is_judged_by(programs)
    police(host.folder, "web", WEB)
    assert at_hook("web", INGRESS, TCX) == [(INGRESS, programs[INGRESS])]
    assert look(host.folder, "web").is_judged_by(programs)


@pytest.mark.parametrize("kind", ["clsact", "ingress"])
def test_what_others_have_at_traffic_control_is_not_in_the_way_and_stays(host: Stage, kind: str) -> None:
    tc(f"qdisc add dev web {kind}")
    path = objects.program_path(host.folder, EGRESS)
    tc(f"filter add dev web ingress protocol all prio 1 handle 1 bpf direct-action pinned {path}")
    before = tc("qdisc show dev web") + tc("filter show dev web ingress")
    police(host.folder, "web", WEB)
    assert look(host.folder, "web").before == ()
    assert attached(host) == [(name, TCX) for name in PROGRAMS]
    release(host.folder, "web")
    assert tc("qdisc show dev web") + tc("filter show dev web ingress") == before


def test_an_empty_clsact_of_others_stays(host: Stage) -> None:
    tc("qdisc add dev web clsact")
    police(host.folder, "web", WEB)
    release(host.folder, "web")
    assert "clsact" in tc("qdisc show dev web")


def test_what_is_at_clsact_is_taken_over(host: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tc("qdisc show dev web")
    programs = {name: program.number for name, program in host.programs.items()}
    go(monkeypatch, CLSACT)
    police(host.folder, "web", WEB)
    go(monkeypatch, TCX)
    assert attached(host) == [(name, CLSACT) for name in PROGRAMS]
    assert not look(host.folder, "web").is_judged_by(programs)
    police(host.folder, "web", WEB, incoming=True)
    assert attached(host) == [(INGRESS, TCX), (EGRESS, CLSACT)]
    police(host.folder, "web", WEB)
    assert attached(host) == [(name, TCX) for name in PROGRAMS]
    assert look(host.folder, "web").is_judged_by(programs)
    assert known(host.folder) == {host.devices["web"]: WEB}
    # It stays as long as the link may need it: to take it away stops the link.
    assert "clsact" in tc("qdisc show dev web")
    police(host.folder, "web", Policed(1, 2, 1))
    release(host.folder, "web")
    assert tc("qdisc show dev web") == before
    assert look(host.folder, "web") == NOTHING


def test_what_is_at_clsact_is_released_too(host: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tc("qdisc show dev web")
    go(monkeypatch, CLSACT)
    police(host.folder, "web", WEB)
    go(monkeypatch, TCX)
    release(host.folder, "web")
    assert (tc("qdisc show dev web"), look(host.folder, "web")) == (before, NOTHING)


def test_filters_of_others_behind_what_is_taken_over_stay(host: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    go(monkeypatch, CLSACT)
    police(host.folder, "web", WEB)
    path = objects.program_path(host.folder, EGRESS)
    tc(f"filter add dev web egress protocol all prio 7 bpf direct-action pinned {path}")
    go(monkeypatch, TCX)
    police(host.folder, "web", WEB)
    assert [number for _name, number in at_hook("web", EGRESS, CLSACT)] == [host.programs[EGRESS].number]
    release(host.folder, "web")
    assert len(at_hook("web", EGRESS, CLSACT)) == 1


def test_a_last_word_that_was_left_is_seen_and_taken_back(host: Stage) -> None:
    """Of a run that ended in the middle."""
    police(host.folder, "web", WEB)
    enter(host, "web", WEB._replace(flags=LAST_WORD))
    left = look(host.folder, "web").policed
    assert left is not None
    assert left != WEB
    police(host.folder, "web", left)
    assert look(host.folder, "web").policed == WEB


@pytest.mark.parametrize("flags", [0, FORWARDS, TUNNEL])
def test_a_program_says_the_last_word_if_it_has_it(stage: Stage, flags: int) -> None:
    """TC_ACT_OK and not TC_ACT_UNSPEC: filters behind it are not asked. What is denied stays denied."""
    allowed = bytes(packet("web", "db", "ipv4", query("ipv4", "udp")))
    denied = bytes(packet("db", "web", "ipv4", query("ipv4", "udp")))
    for more, said in ((0, PASS), (LAST_WORD, TC_ACT_OK)):
        for name in ("web", "db"):
            enter(stage, name, Policed(ATTACHMENTS[name], FIRST, flags | more))
        # The third of a flow is known.
        for _turn in range(3):
            code, mark, _out = stage.run(allowed, stage.devices["web"], "ingress", 0)
            assert (code, mark >> 24 != 0) == (said, True)
        assert stage.run(allowed, stage.devices["db"], "egress", mark, stage.devices["web"])[0] == said
        assert stage.run(denied, stage.devices["db"], "ingress", 0)[0] == DROP


def test_several_at_work_on_one_link_do_not_hinder_each_other(host: Stage) -> None:
    """As a run and the guard are."""
    end = threading.Event()

    def work() -> None:
        while not end.is_set():
            police(host.folder, "web", WEB)

    with ThreadPoolExecutor() as pool:
        working = [pool.submit(work) for _turn in range(3)]
        for turn in range(20):
            objects.load(host.folder, OBJECTS)
            if turn % 4 == 0:
                release(host.folder, "web")
        end.set()
        for one in working:
            one.result()
    police(host.folder, "web", WEB)
    programs = {name: program.number for name, program in objects.loaded(host.folder).items()}
    assert look(host.folder, "web").is_judged_by(programs)


def test_the_kernels_way_to_wait_is_as_it_was_before(host: Stage) -> None:
    before = EXPEDITED.read_text()
    police(host.folder, "web", WEB)
    assert EXPEDITED.read_text() == before
    release(host.folder, "web")
    assert EXPEDITED.read_text() == before


def test_a_row_that_others_emptied_is_no_fault(host: Stage) -> None:
    police(host.folder, "web", WEB)
    take_out("web", "", TCX)
    release(host.folder, "web")
    handle = calls.pinned(objects.program_path(host.folder, INGRESS))
    for device in (host.devices["web"], 9999):
        tcx.remove("web", device, ROWS[INGRESS], handle)
        assert tcx.row("web", device, ROWS[INGRESS]) == []
    os.close(handle)
    ip("link del web")
