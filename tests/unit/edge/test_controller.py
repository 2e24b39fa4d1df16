# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One compilation after the other, in a folder; tests/unit/compile has what each plan says."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork, SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Uplink

HUB = {"hub": {"underlay_address": "192.0.2.250"}}
OFFLINE = Mode(offline=True)


def runners(*numbers, **more):
    return {**{f"runner{number}": {"underlay_address": f"192.0.2.{number}"} for number in numbers}, **more}


def facts(address, **foreign):
    uplinks = (Uplink(f"{address}/24", "eth0", 1500),)
    return Facts(Capabilities(True, "none", True), Foreign(uplinks=uplinks, **foreign))


@pytest.fixture
def project(tmp_path):
    (tmp_path / "domain.yaml").write_text("version: 1\noverlay: {}\n", encoding="utf-8")
    return Project(*(str(tmp_path / name) for name in ("domain.yaml", "ledger.json", "build")))


def tree(tmp_path):
    return {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def kinds_of(result):
    """{host: (added, changed, removed)}"""
    actions = {host: [change.action for change in found] for host, found in result.changes.items()}
    return {host: tuple(map(found.count, ("add", "change", "remove"))) for host, found in actions.items()}


def test_the_second_run_writes_nothing_and_says_so(project, tmp_path):
    first = compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    before = tree(tmp_path)
    second = compile_project(project, Members(HUB, runners(2, 1)), {}, OFFLINE)
    assert sorted(before) == [
        "build/plans/hub.json",
        "build/plans/runner1.json",
        "build/plans/runner2.json",
        "domain.yaml",
        "ledger.json",
    ]
    assert tree(tmp_path) == before
    assert (first.ledger_written, second.ledger_written) == (True, False)
    assert first.compiled == second.compiled
    assert kinds_of(second) == {"hub": (0, 0, 0), "runner1": (0, 0, 0), "runner2": (0, 0, 0)}


def test_a_runner_that_arrives_changes_the_hub_and_itself(project):
    compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    found = kinds_of(compile_project(project, Members(HUB, runners(1, 2, 3)), {}, OFFLINE))
    assert found["runner1"] == found["runner2"] == (0, 0, 0)
    assert found["hub"] == (3, 1, 0), "link, address and route; the rule set"
    assert found["runner3"][0] > 0


def test_a_runner_that_leaves_takes_its_plan_with_it(project, tmp_path):
    compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    result = compile_project(project, Members(HUB, runners(2)), {}, OFFLINE)
    lines = [str(change) for change in result.changes["hub"]]
    assert "- link vxkr1" in lines
    assert result.changes["runner2"] == ()
    assert "build/plans/runner1.json" not in tree(tmp_path)


def test_a_runner_that_moves_has_its_tunnel_changed_in_place(project):
    compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    moved = Members(HUB, runners(1, runner2={"underlay_address": "198.51.100.2"}))
    result = compile_project(project, moved, {}, OFFLINE)
    lines = [str(change) for change in result.changes["hub"]]
    assert "~ link vxkr2 (remote 192.0.2.2 → 198.51.100.2)" in lines
    assert {line[0] for line in lines} == {"~"}
    assert [str(change) for change in result.changes["runner2"]] == ["~ link vxlan0 (local 192.0.2.2 → 198.51.100.2)"]
    assert result.changes["runner1"] == ()


def test_with_a_fault_nothing_is_written(project, tmp_path):
    compile_project(project, Members(HUB, runners(1)), {}, OFFLINE)
    before = tree(tmp_path)
    blocked = {"hub": facts("192.0.2.250", links=(ForeignLink("vxkr2", "dummy"),))}
    with pytest.raises(IntentError, match=r"^hub: link vxkr2: exists and was not made by weft"):
        compile_project(project, Members(HUB, runners(1, 2)), blocked, Mode())
    assert tree(tmp_path) == before


def test_a_dry_run_keeps_the_ledger_as_it_is(project, tmp_path):
    result = compile_project(project, Members(HUB, runners(1)), {}, Mode(offline=True, keep=False))
    assert result.ledger_written is False
    assert "ledger.json" not in tree(tmp_path)
    assert "build/plans/runner1.json" in tree(tmp_path)


def test_faults_of_every_source_are_told_together_and_once(project, tmp_path):
    (tmp_path / "ledger.json").write_text("damaged", encoding="utf-8")
    with pytest.raises(IntentError) as caught:
        compile_project(project, Members(HUB, {"runner1": {"underlay_address": "here"}}), {}, OFFLINE)
    places = [fault.place.rpartition("/")[2] for fault in caught.value.faults]
    assert places == ["ledger.json", "inventory"]


def test_what_each_docker_needs_is_told_for_hosts_that_were_seen(project):
    old = DockerNetwork("kohakuriver-overlay", "10.1.0.0/16", "10.1.0.1", "kohaku-overlay", 1400, False)
    said = {
        "hub": facts("192.0.2.250"),
        "runner1": facts("192.0.2.1", networks=(SeenNetwork(old, True, (old.subnet,), ()),)),
    }
    networks = compile_project(project, Members(HUB, runners(1, 2)), said, Mode()).networks
    assert networks["hub"] == {"remove": [], "create": [], "unanswered": False}
    assert set(networks) == {"hub", "runner1"}
    assert networks["runner1"]["remove"] == ["kohakuriver-overlay"]
    (made,) = networks["runner1"]["create"]
    assert made == {
        "name": "kohakuriver-overlay",
        "subnet": "10.1.0.0/16",
        "gateway": "10.1.0.1",
        "bridge": "kohaku-overlay",
        "mtu": 1450,
        "masquerade": False,
        "reserved": ["10.1.0.254"],
    }
    assert json.loads(json.dumps(networks)) == networks
