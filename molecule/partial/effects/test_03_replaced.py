"""A machine in the place of another has one allocation (F17, F18); what was given back rests before it is given again
(F19)."""

from __future__ import annotations

import json

import pytest

from lab import host as hosts
from lab import lifecycle, traffic
from lab.cache import locked

PAIR = ("runner1", "runner2")
THREE = (*PAIR, "runner3")


@pytest.fixture(scope="module", autouse=True)
def _three(third, inventory):
    inventory.put(third)
    assert inventory.site().code == 0
    yield
    with locked():
        if hosts.load("runner2").address != hosts.by_name("runner2").address:
            lifecycle.move("runner2", hosts.by_name("runner2").address, at_reboot=False)
    inventory.put("runner2")


def entries(inventory):
    with open(inventory.path("ledger.json"), encoding="utf-8") as text:
        ledger = json.load(text)
    return ledger["hosts"], [(item["runner_id"], item["host"]) for item in ledger["released"]]


@pytest.mark.fault("F17", "F18")
def test_a_new_machine_with_the_old_name_and_address_has_the_old_number_and_touches_nobody(
    inventory, on, untouched, tunnels
):
    before, touched = tunnels(), untouched("hub", "runner1", "runner3")
    with locked():
        lifecycle.wipe(hosts.load("runner2"))
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"runner2"}), run.output
    assert (touched(), tunnels()) == ("", before)
    assert "10.2.0.1/16" in on("runner2", "ip address show kohaku-overlay")
    assert entries(inventory)[1] == []
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F17")
def test_a_new_machine_with_the_old_name_at_another_address_has_one_allocation(inventory, on, untouched, tunnels):
    before, touched = tunnels(), untouched("runner1", "runner3")
    with locked():
        lifecycle.move("runner2", "198.18.0.22", at_reboot=True)
        lifecycle.wipe(hosts.load("runner2"))
    inventory.put("runner2")
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", "runner2"}), run.output
    assert touched() == ""
    # The same device of the hub, now to the new machine alone.
    assert tunnels() == {**before, "vxkr2": (before["vxkr2"][0], "198.18.0.22")}
    assert "198.18.0.12" not in on("hub", "nft list ruleset; bridge fdb show")
    assert entries(inventory)[1] == []
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F18")
def test_a_machine_with_another_name_at_the_old_address_is_the_same_runner(inventory, on, untouched, tunnels):
    """A host that was renamed; its line has the new name, and nobody has the old one any more."""
    before, touched = tunnels(), untouched("runner1", "runner2")
    inventory.drop("runner3")
    inventory.groups["runners"]["builder"] = {"ansible_host": hosts.load("runner3").address}
    inventory.put("runner1")
    run = inventory.site()
    assert run.code == 0, run.output
    assert touched() == ""
    assert tunnels() == before
    hosts_now, released = entries(inventory)
    assert (hosts_now["builder"]["runner_id"], "runner3" in hosts_now, released) == (3, False, [])
    assert "weft:builder" in on("hub", "ip -d link show vxkr3")
    inventory.drop("builder")
    inventory.put("runner3")
    assert inventory.site().code == 0
    assert entries(inventory)[0]["runner3"]["runner_id"] == 3
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F19")
def test_what_a_runner_gave_back_is_not_the_next_ones(inventory, on):
    inventory.drop("runner2")
    assert inventory.site().code == 0
    assert entries(inventory)[1] == [(2, "runner2")]
    with locked():
        lifecycle.add("runner4", None)
    try:
        inventory.put("runner4")
        run = inventory.site()
        assert (run.code, run.busy()) == (0, {"hub", "runner4"}), run.output
        assert inventory.ids() == {"runner1": 1, "runner3": 3, "runner4": 4}
        assert "10.4.0.1/16" in on("runner4", "ip address show kohaku-overlay")
        assert "vxkr2" not in on("hub", "ip -br link")
        assert traffic.settled(("runner1", "runner4")) == []
    finally:
        inventory.drop("runner4")
        with locked():
            lifecycle.remove("runner4")
    inventory.put("runner2")
    run = inventory.site()
    assert run.code == 0, run.output
    assert "note: runner2 had left, and is taken in again with its id 2, for the inventory has it" in run.output
    assert inventory.ids() == {"runner1": 1, "runner2": 2, "runner3": 3}
    assert traffic.settled(THREE) == []
