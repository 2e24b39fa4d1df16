"""A run that is limited, takes hosts in turns, or does not reach everybody touches nobody else and deletes nothing of
others (F28, F29). What it leaves is said at its end, and done by the next one for everybody."""

from __future__ import annotations

import pytest

from lab import host as hosts
from lab import machine, traffic

PAIR = ("runner1", "runner2")
THREE = (*PAIR, "runner3")
IDS = {"runner1": 1, "runner2": 2, "runner3": 3}


@pytest.fixture(scope="module", autouse=True)
def _three(third):
    return third


def ending(run):
    """The last words of the last summary: one for each turn."""
    lines = run.output.partition("\nPLAY RECAP")[0].splitlines()
    begin = max(number for number, line in enumerate(lines) if line.startswith("next: "))
    return [line.strip() for line in lines[begin:] if line and not line.startswith("ok: ")]


def whole(inventory):
    return f"ansible-playbook playbooks/site.yml -i {inventory.folder}"


@pytest.mark.fault("F28")
def test_a_limited_run_mends_its_own_host_only(inventory, on, untouched):
    on("hub", "ip link set vxkr1 mtu 1300")
    on("runner1", "ip route del 10.0.0.0/8")
    on("runner2", "ip route del 10.0.0.0/8")
    touched = untouched("hub", "runner1")
    run = inventory.site("--limit", "runner2")
    assert (run.code, run.changed) == (0, {"runner2": 1}), run.output
    assert touched() == ""
    assert "10.2.0.254" in on("runner2", "ip route show 10.0.0.0/8")
    assert "not in this run: hub, runner1 (nothing was done there)" in run.output
    assert ending(run) == ["next: for all hosts, run", whole(inventory)]
    assert inventory.ids() == {"runner1": 1, "runner2": 2}


def test_a_whole_run_mends_the_rest(inventory):
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", "runner1"}), run.output
    assert ending(run) == ["next: nothing is left to do"]
    assert traffic.settled(PAIR) == []


@pytest.mark.fault("F28")
def test_a_new_runner_alone_gets_a_number_that_the_hub_has_free_and_what_is_new_for_the_hub_is_said(
    inventory, untouched
):
    touched = untouched("hub", *PAIR)
    inventory.put("runner3")
    run = inventory.site("--limit", "runner3")
    assert (run.code, set(run.changed)) == (0, {"runner3"}), run.output
    assert touched() == ""
    assert inventory.ids() == IDS
    assert "left to do: hub (there is something new in the plan)" in run.output


def test_the_run_for_everybody_adds_its_tunnel_on_the_hub_and_nothing_else(inventory):
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F28")
def test_hosts_that_take_turns_are_each_mended_one_arrives_and_nobody_is_renumbered(inventory, on, untouched, tunnels):
    before = tunnels()
    inventory.drop("runner3")
    assert inventory.site("--limit", "hub").code == 0
    assert "vxkr3" not in on("hub", "ip -br link")
    inventory.put("runner3")
    on("runner2", "ip route del 10.0.0.0/8")
    touched = untouched("runner1", "runner3")
    run = inventory.site("--forks", "1", "-e", "weft_serial=1")
    assert (run.code, run.busy()) == (0, {"hub", "runner2"}), run.output
    assert "not yet in this run: runner1, runner2, runner3 (their turn comes)" in run.output
    assert ending(run) == ["next: nothing is left to do"]
    assert (touched(), inventory.ids()) == ("", IDS)
    # One of them is made anew; the others never went away.
    assert {**tunnels(), "vxkr3": before["vxkr3"]} == before
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F29")
def test_a_dead_runner_in_its_turn_ends_the_run_and_loses_nothing(inventory, on, without_power, tunnels, untouched):
    before = tunnels()
    on("hub", "ip link set vxkr2 mtu 1300")
    on("runner2", "ip route del 10.0.0.0/8")
    with without_power("runner1"):
        touched = untouched("runner2", "runner3")
        run = inventory.site("-e", "weft_serial=1")
        assert run.code == 4, run.output
        assert run.busy() == {"hub"}
        assert touched() == ""
        assert (tunnels(), inventory.ids()) == (before, IDS)
        rest = inventory.site()
        assert (rest.code, rest.busy()) == (4, {"runner2"}), rest.output
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F29")
def test_a_dead_runner_does_not_stop_the_others_and_loses_nothing(inventory, on, without_power):
    with without_power("runner2"):
        on("hub", "ip link set vxkr1 mtu 1300")
        run = inventory.site()
        assert run.code == 4, run.output
        assert run.unreachable == {"hub": 0, "runner1": 0, "runner2": 1, "runner3": 0}
        assert run.busy() == {"hub"}
        assert "not reached: runner2 (no change there lasts)" in run.output
        remove = f"ansible-playbook playbooks/remove_runner.yml -i {inventory.folder} -e target=runner2"
        assert ending(run) == [
            "next: see to it that these answer: runner2; then run this, which does what is left:",
            whole(inventory),
            f"or, if runner2 does not come back: {remove}",
        ]
        assert "198.18.0.12" in on("hub", "ip -d link show vxkr2")
        assert traffic.settled(("runner1", "runner3")) == []
        assert inventory.ids() == IDS


def test_the_runner_that_is_back_finds_its_tunnel(inventory):
    assert traffic.settled(THREE) == []
    run = inventory.site()
    assert (run.code, run.busy()) == (0, set()), run.output


@pytest.mark.fault("F29")
def test_without_the_hub_no_number_is_handed_out(inventory, untouched):
    """Its id 3 is known; a runner that nobody knows must wait for the hub."""
    machine.stop(hosts.load("hub"))
    touched = untouched(*PAIR)
    inventory.groups["runners"]["runner9"] = {"ansible_host": "198.18.0.19"}
    inventory.put("runner3")
    run = inventory.site()
    machine.start(hosts.load("hub"))
    machine.wait_ready(hosts.load("hub"))
    assert run.code != 0
    assert "runner9: has no id yet, and the hub could not be asked" in run.task("Say what changed where")
    assert touched() == ""
    inventory.drop("runner9")
    assert traffic.settled(THREE) == []
