"""Policies are in force whatever is restarted, before the first packet; who takes them away finds them back."""

from __future__ import annotations

import json

import pytest

from lab import hooks, machine, matrix, tenants, traffic
from lab import host as hosts
from lab.shell import wait_until


@pytest.fixture(scope="module", autouse=True)
def _standing(inventory):
    _as_declared()


def _reached():
    containers = tenants.parties()
    matrix.everybody_answers(containers, tenants.PORTS)
    return {tuple(probe) for probe in matrix.reached(containers, tenants.PORTS)}


def _as_declared():
    wait_until("those to reach each other that may", lambda: _reached() == tenants.ALLOWED, 30, pause=1)


@pytest.mark.fault("F14")
def test_a_host_that_was_restarted_polices_before_it_lets_anything_pass(on):
    """One power cut; scenario reboot has them all."""
    machine.reboot(hosts.load("runner1"), hard=True)
    _as_declared()
    assert on("runner1", "systemctl is-active weft-overlay").strip() == "active"


@pytest.mark.fault("F21")
@pytest.mark.parametrize("command", ["firewall-cmd --reload", "systemctl restart firewalld"])
def test_firewalld_does_not_disturb_policies(on, command):
    on("runner1", command)
    on("hub", command)
    _as_declared()


@pytest.mark.fault("F22")
@pytest.mark.parametrize("name", ["runner1", "runner2", "runner3"])
def test_docker_restarts_and_its_containers_are_policed(on, name):
    on(name, "systemctl restart docker")
    _as_declared()


def test_the_guard_can_be_killed(on):
    def guard():
        return set(on("runner1", "systemctl show --value --property=ActiveState,MainPID weft-guard").split())

    killed = guard() - {"active"}
    on("runner1", "systemctl kill -s KILL weft-guard")
    assert _reached() == tenants.ALLOWED
    wait_until("another guard", lambda: "active" in guard() and not killed & guard(), 20)
    _as_declared()


def test_a_container_that_nobody_declared_speaks_as_nobody(on):
    """It is reached by none, and reaches none of the tenants, on its own bridge or elsewhere."""
    address = traffic.run_container("runner1", traffic.NETWORK, "stray")
    try:
        stray = matrix.served("runner1", "stray", address, tenants.PORTS)
        containers = {party.name: party for party in (*tenants.parties(), stray)}
        matrix.everybody_answers([stray], tenants.PORTS)
        to = [matrix.Probe("stray", name, way, 81) for name in tenants.CONTAINERS for way in (matrix.TCP, matrix.UDP)]
        back = [matrix.Probe(name, "stray", matrix.TCP, 80) for name in tenants.CONTAINERS]
        assert set(matrix.ask(containers, to + back).values()) == {None}
    finally:
        traffic.remove_container("runner1", "stray")


@pytest.mark.fault("F26")
@pytest.mark.parametrize(("name", "link"), [("hub", "vxkr1"), ("runner1", "vxlan0"), ("router", "wg0")])
def test_programs_that_somebody_removed_are_missed_and_put_back(inventory, on, name, link):
    before = json.loads(on(name, hooks.look(link)))
    assert len(before) == 2
    on(name, hooks.take_out(link))
    assert json.loads(on(name, hooks.look(link))) == []
    missed = inventory.plan()
    assert (name, "policed interface") in missed.summary()
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {name}), run.output
    assert json.loads(on(name, hooks.look(link))) == before
    _as_declared()


def test_without_networks_nothing_of_it_is_left(inventory, on):
    """And it all comes back with them."""
    tenants.rewrite(inventory, networks={}, namespaces={}, peers={}, policies={}, tests=[])
    run = inventory.site()
    assert run.code == 0, run.output
    for name in tenants.MEMBERS:
        on(name, "test ! -e /sys/fs/bpf/weft")
        assert "clsact" not in on(name, "tc qdisc show")
        assert json.loads(on(name, hooks.everywhere())) == []
        assert "fwmark" not in on(name, "ip rule; ip -6 rule")
    assert len(_reached()) == len(tenants.CONTAINERS) * (len(tenants.CONTAINERS) - 1) * 4
    inventory.restore()
    run = inventory.site()
    assert run.code == 0, run.output
    _as_declared()
