"""Runners come, go, come back and move; nobody else changes, and nobody is renumbered."""

from __future__ import annotations

import json

import pytest

from lab import host as hosts
from lab import lifecycle, traffic
from lab.cache import locked


@pytest.fixture(scope="module", autouse=True)
def _lab_of_four(inventory):
    with locked():
        for name in ("runner3", "runner4"):
            lifecycle.add(name, None)
    yield
    with locked():
        for name in ("runner3", "runner4"):
            lifecycle.remove(name)
        lifecycle.move("runner2", hosts.by_name("runner2").address, at_reboot=False)
    inventory.drop("runner3", "runner4")
    inventory.put("runner1")
    inventory.put("runner2")


def _tunnels(on):
    """Of the hub's tunnels: name → (index, remote)."""
    links = json.loads(on("hub", "ip -j -d link show type vxlan"))
    return {link["ifname"]: (link["ifindex"], link["linkinfo"]["info_data"]["remote"]) for link in links if link}


def test_adding_runner3_changes_the_hub_and_runner3_only(inventory, untouched):
    touched = untouched("runner1", "runner2")
    inventory.put("runner3")
    run = inventory.site()
    assert run.code == 0, run.output
    assert run.busy() == {"hub", "runner3"}
    assert touched() == ""
    assert inventory.ids()["runner3"] == 3


@pytest.mark.fault("F23")
def test_the_new_runner_filters_with_iptables_legacy(on):
    assert "legacy" in on("runner3", "iptables --version")
    assert "-A WEFT-FORWARD" in on("runner3", "iptables-legacy-save")
    assert "weft" not in on("runner3", "nft list ruleset 2>/dev/null").lower()


def test_containers_of_the_new_runner_talk_to_the_others():
    assert traffic.settled(("runner1", "runner2", "runner3")) == []


def test_a_runner_out_of_the_inventory_loses_its_tunnel_and_no_other_is_touched(inventory, on, untouched):
    touched, before = untouched("runner1", "runner2", "runner3"), _tunnels(on)
    inventory.drop("runner1")
    run = inventory.site()
    assert run.code == 0, run.output
    assert run.changed == {"hub": 1, "runner2": 0, "runner3": 0}
    assert touched() == ""
    del before["vxkr1"]
    assert _tunnels(on) == before
    assert inventory.ids() == {"runner2": 2, "runner3": 3}
    assert traffic.settled(("runner2", "runner3")) == []


@pytest.mark.fault("F19")
def test_the_next_new_runner_does_not_get_its_number(inventory, on):
    inventory.put("runner4")
    run = inventory.site()
    assert run.code == 0, run.output
    assert run.busy() == {"hub", "runner4"}
    assert inventory.ids() == {"runner2": 2, "runner3": 3, "runner4": 4}
    assert "10.4.0.1/16" in on("runner4", "ip address show kohaku-overlay")
    assert traffic.settled(("runner2", "runner4")) == []


def test_the_runner_that_comes_back_gets_its_number_back(inventory, on, untouched):
    touched = untouched("runner1", "runner2", "runner3", "runner4")
    inventory.put("runner1")
    run = inventory.site()
    assert run.code == 0, run.output
    assert run.busy() == {"hub"}
    assert touched() == ""
    assert inventory.ids() == {"runner1": 1, "runner2": 2, "runner3": 3, "runner4": 4}
    assert traffic.settled(("runner1", "runner4")) == []


@pytest.mark.fault("F17")
def test_a_runner_at_a_new_address_keeps_its_number_and_its_tunnel(inventory, on, untouched):
    before, links = _tunnels(on), json.loads(on("runner2", "ip -j link show vxlan0"))
    touched = untouched("runner1", "runner3", "runner4")
    with locked():
        lifecycle.move("runner2", "198.18.0.22", at_reboot=False)
    inventory.put("runner2")
    run = inventory.site("--diff")
    assert run.code == 0, run.output
    assert run.busy() == {"hub", "runner2"}
    assert touched() == ""
    assert inventory.ids()["runner2"] == 2
    # updated in place: the same device, now with another remote
    assert _tunnels(on) == {**before, "vxkr2": (before["vxkr2"][0], "198.18.0.22")}
    assert json.loads(on("runner2", "ip -j link show vxlan0"))[0]["ifindex"] == links[0]["ifindex"]
    assert {row: run.summary()[row] for row in run.summary() if row[1] == "link"} == {
        ("hub", "link"): (0, 1, 0),
        ("runner2", "link"): (0, 1, 0),
    }
    assert {kind for _host, kind in run.summary()} <= {"link", "ruleset", "file"}
    for line in run.diffs()["hub"]:
        assert "vxkr1" not in line or "198.18.0.22" in line, line
    assert traffic.settled(("runner1", "runner2", "runner3", "runner4")) == []
    assert inventory.site().busy() == set()
