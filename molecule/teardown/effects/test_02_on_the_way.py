"""Hosts that are not as a run leaves them: killed half way, not confirmed, in use, not reached, booted afterwards."""

from __future__ import annotations

import pytest

from lab import faults, machine, matrix, tenants, traffic, whole
from lab import host as hosts
from lab.shell import wait_until

ALL_GOES = ("-e", "weft_forget_store=true")
SECONDS = 6


@pytest.mark.parametrize("name", ["hub", "runner1", "router"])
def test_a_first_run_that_was_killed_half_way_leaves_nothing(leaving, name):
    with faults.when(name, faults.APPLYING, faults.KILL):
        assert leaving.mine.site("--limit", f"{name},nas1").code != 0
    assert faults.pending(name) is not None
    leaving.left(*ALL_GOES)
    assert leaving.differences(name) == ""


def test_a_change_that_waits_for_its_confirmation_is_abandoned(leaving):
    """Nobody brings anything back when its time is over."""
    options = ("-e", f"weft_confirm_seconds={SECONDS} awx_user_name=anna", "--limit", "runner1,nas1")
    with (
        faults.when("runner1", faults.APPLIED, faults.CUT, "sleep 3", faults.MEND),
        faults.site(leaving.mine.folder, *options) as run,
    ):
        faults.until_stage("runner1", faults.APPLIED)
        faults.kill(run)
    leaving.left(*ALL_GOES)
    faults.pause(SECONDS + 2)
    assert leaving.differences("runner1") == ""


@pytest.fixture(scope="class")
def busy(leaving):
    leaving.built()
    yield tenants.parties()
    _remove_containers()


class TestInUse:
    """Containers on a runner; the others are not held up by it."""

    def test_what_was_built_again_works(self, busy):
        matrix.everybody_answers(busy, tenants.PORTS)
        reached = {tuple(probe) for probe in matrix.reached(busy, tenants.PORTS)}
        assert ("web1", "app2", matrix.TCP, 80) in reached
        assert ("web1", "db2", matrix.TCP, 80) not in reached

    @pytest.mark.usefixtures("busy")
    def test_a_runner_with_containers_is_not_touched_and_they_are_named(self, leaving, untouched):
        touched = untouched("runner1")
        run = leaving.mine.play("teardown", "--limit", "runner1")
        assert run.failed == {"runner1": 1}
        assert "containers run in it: app1 db1 web1; stop them first (docker stop app1 db1 web1)" in run.output
        assert touched() == ""

    @pytest.mark.usefixtures("busy")
    def test_the_others_are_not_touched(self, leaving, untouched):
        touched = untouched("hub", "runner2", "runner3", "router", "nas1")
        leaving.left("--limit", "runner1", "-e", "weft_disconnect=true")
        assert touched() == ""
        assert "web1" in traffic.must("runner1", "docker", "ps", "--format", "{{.Names}}").split()
        assert "kohakuriver-overlay" not in traffic.must("runner1", "docker", "network", "ls")

    @pytest.mark.usefixtures("busy")
    def test_containers_that_were_cut_off_are_the_only_difference(self, leaving):
        _remove_containers()
        assert leaving.differences("runner1") == ""

    @pytest.mark.usefixtures("busy")
    def test_who_is_not_reached_is_told_and_done_by_the_next_one(self, leaving):
        machine.stop(hosts.load("runner3"))
        run = leaving.mine.play("teardown")
        assert run.unreachable["runner3"] == 1
        assert "not reached: runner3 (no change there lasts)" in run.output
        machine.start(hosts.load("runner3"))
        machine.wait_ready(hosts.load("runner3"))
        wait_until("runner3 to be built by its boot", lambda: "WEFT-" in _rules("runner3"), 60)
        assert leaving.left().busy() == {"runner3"}
        assert "WEFT-" not in _rules("runner3")
        leaving.left(*ALL_GOES)


@pytest.mark.parametrize("name", ["hub", "runner1", "router", "nas1"])
def test_a_boot_brings_nothing_back(leaving, name):
    machine.reboot(hosts.load(name))
    wait_until("systemd", lambda: machine.execute(name, "systemctl", "is-system-running", "--wait").stdout != "", 60)
    before, after = leaving.before[name], whole.take(name)
    sections = ("units", "failed", "bpffs", "every file", "wireguard", "processes")
    assert {section: after[section] for section in sections} == {section: before[section] for section in sections}
    assert "weft" not in after["nftables"] + after["links"]


def _remove_containers():
    for name, (runner, _address) in tenants.CONTAINERS.items():
        traffic.remove_container(runner, name)
        traffic.must(runner, "systemctl", "stop", f"lab-echo-{name}-*")


def _rules(name):
    return machine.execute(name, "iptables-legacy-save").stdout
