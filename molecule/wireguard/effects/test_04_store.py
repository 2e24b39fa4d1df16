"""The NAS keeps intent and artefacts; it may be down, damaged or new, and nobody's tunnel depends on it."""

from __future__ import annotations

import time

import pytest

from lab import host as hosts
from lab import lifecycle, machine, plane, reach
from lab.cache import locked


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    plane.start("full1", "lan1", *plane.ON_NAS)


def _stored(on):
    """Names and hashes of what the store has, without the time."""
    return on("nas1", "cd /srv/weft && find . -type f -exec sha256sum {} + | sort -k2")


def test_a_run_that_changes_nothing_stores_nothing(inventory, on):
    before = _stored(on)
    assert inventory.site().code == 0
    assert _stored(on) == before


def test_a_change_is_stored_with_who_when_and_which_hash(inventory, on):
    inventory.edit(lambda intent: intent["clients"]["lan1"].update(owner="somebody else"))
    run = inventory.site()
    assert run.code == 0, run.output
    assert "somebody else" in on("nas1", "grep -rhF 'somebody else' /srv/weft")
    history = on("nas1", "cat /srv/weft/history* 2>/dev/null || find /srv/weft -name '*history*' -exec cat {} +")
    assert time.strftime("%Y-%m-%d", time.gmtime()) in history
    inventory.restore()
    assert inventory.site().code == 0


class TestWhileTheNasIsDown:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _down(cls, inventory):
        machine.stop(hosts.load("nas1"), graceful=False)
        yield
        machine.start(hosts.load("nas1"))
        machine.wait_ready(hosts.load("nas1"))

    def test_the_router_is_served_and_it_is_said_what_could_not_be_stored(self, inventory):
        inventory.edit(lambda intent: intent["clients"].update(late1={"interface": "wg0", "profile": "full"}))
        run = inventory.site()
        assert "router" in run.busy()
        assert run.unreachable["nas1"] == 1
        plane.start("late1")
        assert reach.probe("late1", reach.destinations()["internet"], "ipv4", "icmp")
        told = run.output.partition("PLAY RECAP")[0]
        assert "late1" in told or "store" in told


def test_what_could_not_be_stored_is_stored_by_the_next_run(inventory, on):
    assert "late1" not in on("nas1", "find /srv/weft -type f")
    run = inventory.site()
    assert run.code == 0, run.output
    assert "late1" in on("nas1", "find /srv/weft -type f")
    plane.shake(*plane.ON_NAS, wait=10)


def test_a_damaged_artefact_is_noticed_and_made_again(inventory, on):
    path = "/var/lib/weft/clients/lan1/lan1.conf"
    before = plane.conf("lan1")
    on("router", f"head -c 200 {path} > {path}.x && cat {path}.x > {path} && rm {path}.x")
    run = inventory.site()
    assert run.code == 0, run.output
    assert "router" in run.busy()
    assert plane.conf("lan1") == before
    plane.shake("lan1")


def test_a_damaged_file_in_the_store_is_noticed(inventory, on):
    found = on("nas1", "find /srv/weft -type f -name '*lan1*'").split()
    assert found
    on("nas1", f"truncate -s 10 {found[-1]}")
    run = inventory.site()
    assert run.code == 0, run.output
    assert int(on("nas1", f"stat -c %s {found[-1]}")) != 10


def test_a_nas_on_a_new_disk_gets_everything_back(inventory, on):
    """Intent, ledger and artefacts of others from the controller and the router."""
    with locked():
        lifecycle.wipe(hosts.load("nas1"))
    run = inventory.play("recover", "-e", "target=nas1")
    assert run.code == 0, run.output
    assert on("nas1", "find /srv/weft -type f -name '*full1*'")
    plane.start(*plane.ON_NAS)
    plane.shake("full1", "lan1")
    again = inventory.site("--diff")
    assert (again.code, again.busy(), again.diffs()) == (0, set(), {}), again.output
