# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who else is at the hooks of interfaces, and a host whose programs are where a former version put them."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import attach, calls, objects, support, tcx
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT, EGRESS, TCX
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import ConflictError
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER
from tests.integration.bpf.ways import go
from tests.integration.policy.test_by_hand import IMPOSSIBLE, RENAMED
from tests.integration.policy.town import LINKS, ON_BRIDGE, OPEN, SHUT, Town, answers, plan, tc

_FILTER = ["tc", "filter", "add", "dev", "vxlan0", "ingress", "protocol", "all", "prio", "1", "handle", "1"]


def add_theirs(what: str) -> None:
    if what == "a filter":
        tc("qdisc add dev vxlan0 clsact")
        subprocess.run([*_FILTER, "bpf", "bytecode", "1,6 0 0 0", "classid", "1:1"], check=True)
    else:
        tc("qdisc add dev vxlan0 ingress")


def theirs() -> list[str]:
    return [tc(f"{noun} show dev vxlan0") for noun in ("qdisc", "filter")]


def ways() -> set[str]:
    return {found.way for link in LINKS for found in attach.look(BPF_FOLDER, link).attached}


@pytest.fixture
def modern() -> None:
    if not support.has_tcx():
        pytest.skip("this kernel has no TCX (6.6)")


@pytest.fixture
def old(town: Town, monkeypatch: pytest.MonkeyPatch, modern: None) -> Town:  # noqa: ARG001
    """A host with a policy at clsact, since a former version put it there, and web on its bridge."""
    go(monkeypatch, CLSACT)
    town.converge(plan(SHUT))
    town.move_in()
    # Somebody else's business, the ports of a bridge among it.
    police(BPF_FOLDER, "web", Policed(ON_BRIDGE.number, 0, 0))
    assert ways() == {CLSACT}
    go(monkeypatch, TCX)
    return town


@pytest.mark.parametrize("what", ["a filter", "a discipline"])
def test_who_is_at_clsact_is_named_before_anything_is_changed(
    town: Town, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    go(monkeypatch, CLSACT)
    town.converge(plan(None))
    add_theirs(what)
    before = theirs()
    words = "bpf.*" if what == "a filter" else "queueing discipline ingress"
    with pytest.raises(
        ConflictError, match=rf"^here: policed interface vxlan0: has something of .*\({words}\); .* clsact"
    ):
        town.converge(plan(SHUT))
    assert theirs() == before
    assert not os.path.exists(BPF_FOLDER)
    # On an interface that is not policed it may be.
    alone = SHUT._replace(attachments=SHUT.attachments[:1])
    town.converge(plan(alone))
    assert town.programs("bridge") != {}


@pytest.mark.usefixtures("modern")
@pytest.mark.parametrize("what", ["a filter", "a discipline"])
def test_tcx_is_before_it_and_leaves_it_alone(town: Town, what: str) -> None:
    town.converge(plan(None))
    add_theirs(what)
    before = theirs()
    town.converge(plan(SHUT))
    assert ways() == {TCX}
    town.converge(plan(None))
    assert theirs() == before


@pytest.mark.usefixtures("modern")
def test_who_is_before_ours_at_tcx_is_named(town: Town) -> None:
    town.converge(plan(SHUT))
    handle = calls.pinned(objects.program_path(BPF_FOLDER, EGRESS))
    tcx.put("vxlan0", socket.if_nametoindex("vxlan0"), tcx.INGRESS, handle)
    before = town.programs("vxlan0")
    with pytest.raises(
        ConflictError, match=rf"^here: policed interface vxlan0: has something .*\(TCX program {EGRESS}\); .* behind"
    ):
        town.converge(plan(OPEN))
    assert town.programs("vxlan0") == before
    tcx.remove("vxlan0", socket.if_nametoindex("vxlan0"), tcx.INGRESS, handle)
    os.close(handle)
    town.converge(plan(OPEN))


def test_what_is_at_clsact_is_found_and_goes_to_tcx(old: Town) -> None:
    assert old.changes(plan(SHUT)) == [
        "~ policed interface bridge (number 0 → 1, network 0 → 1)",
        "~ policed interface vxlan0 (number 0 → 5, network 0 → 1)",
    ]
    assert ways() == {TCX}
    assert old.changes(plan(SHUT)) == []


def test_programs_of_another_release_go_to_tcx_wherever_the_old_ones_were(old: Town) -> None:
    outcome = old.converge(plan(SHUT), None, RENAMED)
    assert "~ policy policy (objects)" in map(str, outcome.changes)
    assert ways() == {TCX}
    assert {found.way for found in attach.look(BPF_FOLDER, "web").attached} == {TCX}
    assert old.converge(plan(SHUT), None, RENAMED).changes == ()


def test_a_step_that_fails_then_leaves_the_policy_before_in_force(old: Town) -> None:
    web = old.neighbours["web"]
    with pytest.raises(UndoneError, match="everything was changed back"):
        old.converge(plan(OPEN, routes=(IMPOSSIBLE,)), None, RENAMED)
    assert not answers(web)
    old.converge(plan(SHUT))
    assert ways() == {TCX}


def test_nothing_of_it_is_left_when_the_policy_goes(old: Town) -> None:
    old.converge(plan(SHUT))
    old.converge(plan(None))
    assert old.traces()[:-1] == []


def test_neither_where_it_goes_before_it_is_taken_over(old: Town) -> None:
    old.converge(plan(None))
    assert old.traces()[:-1] == []
