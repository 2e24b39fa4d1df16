"""What the effects of every scenario do to hosts, and how they see what a host was spared."""

from __future__ import annotations

import pytest

from lab import machine, runs, snapshot, traffic

PAIR = ("runner1", "runner2")


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    """A copy of inventories/lab of this file's own, with the overlay of hub, runner1 and runner2 standing and a
    container on each runner; it is left so. Scenarios with another intent have another."""
    mine = runs.Inventory(str(tmp_path_factory.mktemp("inventory")))
    began = mine.site()
    assert began.code == 0, began.output
    assert mine.ids() == {"runner1": 1, "runner2": 2}
    assert traffic.settled(PAIR) == []
    yield mine
    mine.overlay()
    ended = mine.site()
    assert ended.code == 0, ended.output


@pytest.fixture
def untouched():
    """Call it with host names first, and what it returns afterwards: that says what was touched, "" for nothing."""

    def take(*names):
        before = snapshot.take_all(*names)
        return lambda: snapshot.differences(before, snapshot.take_all(*names))

    return take


@pytest.fixture
def on():
    """Run a shell command in a host: on("hub", "ip link show"). It must succeed."""

    def run(name, command):
        done = machine.execute(name, "sh", "-c", command)
        assert done.returncode == 0, f"{name}: {command}: {done.stderr}{done.stdout}"
        return done.stdout

    return run
