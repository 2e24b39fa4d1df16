"""What restarts brings its part of the overlay back by itself: no Ansible run until everything works again."""

from __future__ import annotations

import json

import pytest

from lab import host as hosts
from lab import machine, traffic

PAIR = ("runner1", "runner2")
HOSTS = ("hub", *PAIR)
IDS = {"runner1": 1, "runner2": 2}


def _boot(on, name):
    """When this boot of the host began, as its first process tells."""
    return on(name, "stat -c %Y.%y /proc/1; readlink /proc/1/ns/pid")


def _nothing_left_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.changed) == (0, dict.fromkeys(HOSTS, 0)), run.output
    assert run.diffs() == {}
    assert inventory.ids() == IDS


def test_the_overlay_comes_back_by_itself(inventory, on):
    """One reboot; scenario reboot has all the others. weft-overlay was done when dockerd was started, as systemd's own
    record of the boot says."""
    before = _boot(on, "runner1")
    machine.reboot(hosts.load("runner1"))
    assert traffic.settled(PAIR) == []
    assert _boot(on, "runner1") != before
    assert on("runner1", "systemctl is-active weft-overlay").strip() == "active"
    done = on("runner1", "systemctl show --value -p ActiveEnterTimestampMonotonic weft-overlay")
    docker = on("runner1", "systemctl show --value -p ExecMainStartTimestampMonotonic docker")
    assert 0 < int(done) < int(docker)
    _nothing_left_to_do(inventory)


def test_a_lost_ledger_is_written_again_from_what_the_hub_knows(inventory, untouched):
    before = inventory.files()
    inventory.forget()
    touched = untouched(*HOSTS)
    _nothing_left_to_do(inventory)
    assert touched() == ""
    assert inventory.files() == before


@pytest.mark.fault("F15")
def test_tunnels_of_the_hub_are_not_made_anew_by_a_restart_of_its_unit(on):
    before = on("hub", "ip -j link show type vxlan")
    on("hub", "systemctl restart weft-overlay")
    assert [link.get("ifindex") for link in json.loads(on("hub", "ip -j link show type vxlan"))] == [
        link.get("ifindex") for link in json.loads(before)
    ]
    assert traffic.settled(PAIR) == []
