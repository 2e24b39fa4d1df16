"""The plan without a run, and an inventory that lost its runners."""

from __future__ import annotations

import pytest

from lab import traffic

PAIR = ("runner1", "runner2")
HOSTS = ("hub", *PAIR)
# ssh that reaches nobody: who tries to connect fails.
NO_SSH = ("-e", "ansible_ssh_executable=/bin/false")


def test_an_offline_plan_contacts_nobody(inventory, untouched):
    files, touched = inventory.files(), untouched(*HOSTS)
    run = inventory.plan("-e", "offline=true", *NO_SSH)
    assert (run.code, run.busy()) == (0, set()), run.output
    assert touched() == ""
    assert inventory.files() == files
    # so much for the proof: a plan that asks the hosts does need ssh
    assert inventory.plan(*NO_SSH).code != 0


@pytest.fixture
def _runner8(inventory):
    """One that is in the inventory and nowhere else."""
    inventory.groups["runners"]["runner8"] = {"ansible_host": "198.18.0.18", "runner_id": 8}
    inventory.put("runner1")
    yield
    inventory.drop("runner8")


@pytest.mark.fault("F35")
@pytest.mark.usefixtures("_runner8")
def test_an_offline_plan_writes_the_same_bytes_twice(inventory):
    first = inventory.plan("-e", "offline=true", *NO_SSH)
    files = inventory.files()
    assert first.code == 0, first.output
    assert sorted(path for path in files if path.startswith("build")) == [
        f"build/plans/{name}.json" for name in ("hub", "runner1", "runner2", "runner8")
    ]
    assert first.summary()["hub", "link"] == (1, 0, 0)
    assert "runner8: MTU 1450 assumes an underlay of 1500" in first.output
    second = inventory.plan("-e", "offline=true", *NO_SSH)
    assert inventory.files() == files
    assert second.summary() == {}


def test_a_plan_lists_what_would_change_and_changes_nothing(inventory, on, untouched):
    inventory.site()
    on("runner1", "ip route del 10.0.0.0/8")
    touched = untouched(*HOSTS)
    ledger = inventory.files()["ledger.json"]
    run = inventory.plan()
    assert run.code == 0, run.output
    assert run.summary() == {("runner1", "route"): (1, 0, 0)}
    assert touched() == ""
    assert inventory.files()["ledger.json"] == ledger
    assert inventory.site().busy() == {"runner1"}


@pytest.mark.fault("F30")
def test_an_empty_group_of_runners_is_refused(inventory, untouched):
    inventory.drop(*PAIR)
    files, touched = inventory.files(), untouched(*HOSTS)
    run = inventory.site()
    assert run.code != 0
    assert "runner1, runner2" in run.output
    assert "weft_allow_empty=true" in run.output
    assert touched() == ""
    assert inventory.files() == files


@pytest.mark.fault("F30")
def test_a_lost_ledger_does_not_change_that(inventory, untouched):
    inventory.forget()
    touched = untouched(*HOSTS)
    run = inventory.site()
    assert run.code != 0
    assert "weft_allow_empty=true" in run.output
    assert touched() == ""


def test_where_it_is_meant_the_tunnels_go_and_the_hub_stays(inventory, on):
    run = inventory.site("-e", "weft_allow_empty=true")
    assert (run.code, run.changed) == (0, {"hub": 1}), run.output
    assert "vxkr" not in on("hub", "ip link")
    assert "10.0.0.1/8" in on("hub", "ip address show kohaku-host")
    assert "proto 119" not in on("hub", "ip route")


def test_runners_that_come_back_get_their_numbers(inventory):
    for runner in PAIR:
        inventory.put(runner)
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert inventory.ids() == {"runner1": 1, "runner2": 2}
    assert traffic.settled(PAIR) == []
