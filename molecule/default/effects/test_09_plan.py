"""The plan without a run."""

from __future__ import annotations

import pytest

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
