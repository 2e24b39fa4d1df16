"""A run that is limited, or that does not reach everybody, touches nobody else and deletes nothing of others."""

from __future__ import annotations

import pytest

from lab import host as hosts
from lab import lifecycle, machine, traffic
from lab.cache import locked

PAIR = ("runner1", "runner2")


@pytest.fixture(scope="module", autouse=True)
def _third(inventory):
    with locked():
        lifecycle.add("runner3", None)
    yield
    inventory.drop("runner3")
    with locked():
        lifecycle.remove("runner3")


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
    assert "not reached: hub, runner1" in run.output
    assert inventory.ids() == {"runner1": 1, "runner2": 2}


def test_a_whole_run_mends_the_rest(inventory):
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", "runner1"}), run.output
    assert traffic.settled(PAIR) == []


@pytest.mark.fault("F28")
def test_a_new_runner_alone_gets_a_number_that_the_hub_has_free(inventory, untouched):
    touched = untouched("hub", *PAIR)
    inventory.put("runner3")
    run = inventory.site("--limit", "runner3")
    assert (run.code, set(run.changed)) == (0, {"runner3"}), run.output
    assert touched() == ""
    assert inventory.ids() == {"runner1": 1, "runner2": 2, "runner3": 3}


def test_the_run_for_everybody_adds_its_tunnel_on_the_hub_and_nothing_else(inventory):
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert traffic.settled((*PAIR, "runner3")) == []


@pytest.mark.fault("F29")
def test_a_dead_runner_does_not_stop_the_others_and_loses_nothing(inventory, on):
    machine.stop(hosts.load("runner2"))
    on("hub", "ip link set vxkr1 mtu 1300")
    run = inventory.site()
    assert run.code == 4, run.output
    assert run.unreachable == {"hub": 0, "runner1": 0, "runner2": 1, "runner3": 0}
    assert run.busy() == {"hub"}
    assert "not reached: runner2" in run.output
    assert "198.18.0.12" in on("hub", "ip -d link show vxkr2")
    assert traffic.settled(("runner1", "runner3")) == []
    assert inventory.ids() == {"runner1": 1, "runner2": 2, "runner3": 3}


def test_the_runner_that_is_back_finds_its_tunnel(inventory):
    host = hosts.load("runner2")
    machine.start(host)
    machine.wait_ready(host)
    assert traffic.settled((*PAIR, "runner3")) == []
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
    assert "runner9" in run.output
    assert "has no id yet, and the hub could not be asked" in run.output
    assert touched() == ""
    inventory.drop("runner9")
    assert traffic.settled((*PAIR, "runner3")) == []
