"""Docker's side: the reserved address, networks in use, published ports, and runners in default mode."""

from __future__ import annotations

import json

import pytest

from lab import host as hosts
from lab import machine, traffic

PAIR = ("runner1", "runner2")
ISOLATED = "kohakuriver-net"


@pytest.mark.parametrize(("runner", "subnet"), [("runner1", "10.1.0"), ("runner2", "10.2.0")])
def test_the_address_of_the_hub_is_given_to_no_container_not_even_on_request(runner, subnet):
    asked = f"docker run --rm --network {traffic.NETWORK} --ip {subnet}.254 {traffic.IMAGE} true"
    done = machine.execute(runner, *asked.split())
    assert done.returncode != 0
    assert "Address already in use" in done.stderr


@pytest.mark.parametrize("runner", PAIR, ids=["firewalld", "iptables_nft"])
def test_a_published_port_answers_from_outside_and_from_the_overlay(runner, on):
    other = "runner2" if runner == "runner1" else "runner1"
    try:
        traffic.run_container(runner, traffic.NETWORK, "published", "-p", "8088:8000")
        name = on(runner, "docker exec published cat /tmp/www/name").strip()
        url = f"http://{hosts.load(runner).address}:8088/name"
        assert on("nas1", f"curl -s -m 5 {url}").strip() == name
        assert traffic.fetch(other, url) == name
    finally:
        traffic.remove_container(runner, "published")


@pytest.mark.parametrize("runner", PAIR, ids=["firewalld", "iptables_nft"])
def test_a_port_that_is_not_published_does_not(runner):
    inner = traffic.address(runner)
    traffic.must("nas1", "ip", "route", "replace", "10.0.0.0/8", "via", hosts.load(runner).address)
    try:
        assert machine.execute("nas1", "curl", "-s", "-m", "2", f"http://{inner}:8000/name").stdout == ""
        assert machine.execute("nas1", "ping", "-c1", "-W1", inner).returncode != 0
    finally:
        traffic.must("nas1", "ip", "route", "del", "10.0.0.0/8")


def test_a_change_to_a_network_in_use_is_refused_with_the_command_to_run(inventory, untouched):
    inventory.overlay(mtu=1400)
    touched = untouched("hub", *PAIR)
    run = inventory.site()
    assert run.code != 0
    for runner in PAIR:
        assert f"{runner}: Docker network kohakuriver-overlay" in run.output
    assert "docker stop probe" in run.output
    assert touched() == ""


def test_with_the_containers_stopped_the_same_run_makes_the_network_anew(inventory):
    for runner in PAIR:
        traffic.remove_container(runner)
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", *PAIR}), run.output
    assert traffic.settled(PAIR) == []
    target = traffic.address("runner2")
    assert traffic.pings("runner1", target, "-M", "do", "-s", "1372").returncode == 0
    assert "message too long" in traffic.pings("runner1", target, "-M", "do", "-s", "1373").stderr.lower()
    assert inventory.site().busy() == set()


def test_a_runner_in_use_does_not_leave_the_overlay(inventory, untouched):
    inventory.put("runner2", overlay_mode="default")
    touched = untouched("hub", *PAIR)
    run = inventory.site()
    assert run.code != 0
    assert "runner2: Docker network kohakuriver-overlay: is no longer wanted" in run.output
    assert "docker stop probe" in run.output
    assert touched() == ""


def test_a_runner_in_default_mode_has_a_network_of_its_own_and_nothing_of_the_overlay(inventory, on):
    traffic.remove_container("runner2")
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", "runner2"}), run.output
    (network,) = json.loads(on("runner2", f"docker network inspect {ISOLATED}"))
    assert network["IPAM"]["Config"] == [{"Subnet": "172.30.0.0/16", "Gateway": "172.30.0.1"}]
    assert traffic.NETWORK not in on("runner2", "docker network ls")
    assert on("runner2", "ip link show group 30565; ip route show proto 119") == ""
    assert "WEFT-" not in on("runner2", "iptables-save")
    assert "vxkr2" not in on("hub", "ip link")
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output


def test_its_containers_reach_the_internet_and_not_the_overlay():
    traffic.serve_echo("internet")
    traffic.run_container("runner2", ISOLATED)
    assert traffic.fetch("runner2", f"http://{traffic.INTERNET}:8080/") == hosts.load("runner2").address
    assert traffic.pings("runner2", traffic.address("runner1")).returncode != 0
    assert traffic.pings("runner2", traffic.HUB).returncode != 0


def test_back_in_the_overlay_it_has_its_number_again(inventory, on):
    traffic.remove_container("runner2")
    inventory.put("runner2")
    inventory.overlay()
    traffic.remove_container("runner1")
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", *PAIR}), run.output
    assert inventory.ids() == {"runner1": 1, "runner2": 2}
    assert ISOLATED not in on("runner2", "docker network ls")
    assert traffic.settled(PAIR) == []
    assert inventory.site().busy() == set()
