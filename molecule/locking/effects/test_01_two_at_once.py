"""Two controllers, and two changes at once."""

from __future__ import annotations

import re
import shutil
import time

import pytest

from lab import faults, runs

HOSTS = ("hub", "runner1", "runner2")


@pytest.fixture
def others(inventory, tmp_path):
    """The same intent on another controller: a copy that does not hear of what happens to the first."""
    copy = runs.Inventory(str(tmp_path / "copy"), inventory.folder)
    shutil.copy(inventory.path("ledger.json"), copy.path("ledger.json"))
    return copy


@pytest.mark.fault("F12")
def test_who_meets_a_change_that_is_not_confirmed_is_told_whose_it_is(inventory, others):
    inventory.overlay(port=4790)
    options = ("-e", "weft_confirm_seconds=20 awx_user_name=anna", "--limit", "hub")
    striking = faults.when("hub", faults.APPLIED, faults.CUT, "sleep 2", faults.MEND)
    with striking, faults.site(inventory.folder, *options) as run:
        faults.until_stage("hub", faults.APPLIED)
        faults.kill(run)
    second = others.site("-e", "awx_user_name=bert", "--limit", "hub")
    assert second.failed["hub"] == 1, second.output
    assert "of this host, by anna@" in second.output
    assert "run again in " in second.output
    faults.until_decided("hub", 30)
    inventory.overlay()


@pytest.mark.fault("F27")
def test_who_meets_a_run_that_changes_the_host_waits_and_is_told_who_it_is(inventory, on):
    """The first run is held up in the middle of its change; it ends well once it may go on."""
    inventory.overlay(port=4790)
    options = ("-e", "weft_confirm_seconds=300 awx_user_name=anna", "--limit", "hub")
    with faults.when("hub", faults.APPLYING, faults.STOP) as stopping, faults.site(inventory.folder, *options) as first:
        assert stopping.wait() == 0
        began = time.monotonic()
        second = inventory.site("-e", "awx_user_name=bert", "--limit", "hub")
        waited = time.monotonic() - began
        on("hub", faults.GO_ON)
        output = first.communicate()[0]
    assert first.returncode == 0, output
    assert second.failed["hub"] == 1, second.output
    holder = re.search(r"another run is changing this host \(anna@\S+, process \d+, since (\S+ \S+)\)", second.output)
    assert holder is not None, second.output
    since = time.time() - float(on("hub", f"date +%s -d '{holder[1]}'"))
    assert waited < since < waited + 60
    assert waited > 20
    assert f"failed: hub: lock: {holder[0]}" in second.task("Say what changed where")
    assert "next: mend what failed; then run this" in second.task("Say what changed where")
    assert "dstport 4790" in on("hub", "ip -d link show vxkr1")
    assert faults.history("hub")[0]["author"]["name"].startswith("anna@")
    inventory.overlay()
    assert inventory.site().code == 0


@pytest.mark.fault("F27")
def test_a_controller_that_is_behind_touches_nobody(inventory, others, untouched):
    inventory.overlay(port=4790)
    assert inventory.site("-e", "awx_user_name=anna").code == 0
    touched = untouched(*HOSTS)
    others.overlay(port=4791)
    run = others.site("-e", "awx_user_name=bert")
    assert run.code != 0
    for name in HOSTS:
        assert f"{name}: it has " in run.output
    assert "by anna@" in run.output
    assert touched() == ""


@pytest.mark.fault("F27")
def test_two_that_went_on_from_the_same_revision_hear_of_each_other(inventory, others, untouched):
    inventory.overlay(port=4792)
    assert inventory.site().code == 0
    touched = untouched(*HOSTS)
    others.overlay(port=4793)
    run = others.site()
    assert run.code != 0
    assert "it has another intent that calls itself revision " in run.output
    assert touched() == ""


def test_who_insists_takes_over(inventory, others, on):
    others.overlay(port=4793)
    run = others.site("-e", "weft_force=true")
    assert run.code == 0, run.output
    assert "dstport 4793" in on("hub", "ip -d link show vxkr1")
    behind = inventory.site()
    assert behind.code != 0
    assert "it has a later intent (revision " in behind.output
    assert inventory.site("-e", "weft_force=true").code == 0


@pytest.mark.fault("F27")
def test_two_runs_at_the_same_moment_leave_one_whole_plan(inventory, others, on):
    inventory.overlay(port=4790)
    others.overlay(port=4791)
    with faults.site(inventory.folder, "-e", "awx_user_name=anna") as first:
        second = others.site("-e", "awx_user_name=bert")
        first.communicate()
    assert 0 in (first.returncode, second.code)
    mine = inventory.site("-e", "weft_force=true")
    assert mine.code == 0, mine.output
    assert "dstport 4790" in on("hub", "ip -d link show vxkr1")
