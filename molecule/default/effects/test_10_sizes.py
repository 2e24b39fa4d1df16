"""Other sizes, names, ports and an IPv6 underlay: one run each from the overlay before, and it works."""

from __future__ import annotations

import json

import pytest

from lab import host as hosts
from lab import machine, runs, traffic

PAIR = ("runner1", "runner2")
HOSTS = ("hub", *PAIR)


def _build(inventory, **fields):
    """A run with another intent; its networks are made anew, so the containers go first."""
    for runner in PAIR:
        traffic.remove_container(runner)
    inventory.overlay(**fields)
    run = inventory.site()
    assert (run.code, run.busy()) == (0, set(HOSTS)), run.output
    return run


def _answers(source, target, *options):
    return traffic.pings(source, target, *options).returncode == 0


def _works(hub):
    """Both ways, to the hub at its first address, and to the internet."""
    inner = {runner: traffic.run_container(runner) for runner in PAIR}
    assert _answers("runner1", inner["runner2"])
    assert _answers("runner2", inner["runner1"])
    traffic.serve_echo("hub")
    traffic.serve_echo("internet")
    assert traffic.fetch("runner1", f"http://{hub}:8080/") == inner["runner1"]
    assert traffic.fetch("runner2", f"http://{traffic.INTERNET}:8080/") == hosts.load("runner2").address
    return inner


def _nothing_left_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output


def test_a_12_with_18_each(inventory, on):
    _build(inventory, cidr="10.128.0.0/12", runner_prefix=18)
    inner = _works("10.128.0.1")
    assert inner["runner1"].startswith("10.128.64.")
    assert inner["runner2"].startswith("10.128.128.")
    assert "10.128.64.1/18" in on("runner1", "ip address show kohaku-overlay")
    assert "10.128.64.254/18" in on("hub", "ip address show vxkr1")
    _nothing_left_to_do(inventory)


def test_a_20_with_26_each_beside_the_underlay(inventory, on):
    _build(inventory, cidr="198.18.64.0/20", runner_prefix=26)
    inner = _works("198.18.64.1")
    assert inner["runner1"].startswith("198.18.64.")
    assert "198.18.64.65/26" in on("runner1", "ip address show kohaku-overlay")
    assert "198.18.64.126/26" in on("hub", "ip address show vxkr1")
    _nothing_left_to_do(inventory)


def test_docker_hands_out_every_address_but_the_reserved_ones(inventory, on):
    """/29: network, gateway, the hub's and broadcast leave four; the fifth container is refused."""
    _build(inventory, cidr="198.18.64.0/20", runner_prefix=29)
    given = [_works("198.18.64.1")["runner1"]]
    try:
        given += [traffic.run_container("runner1", traffic.NETWORK, f"more{number}") for number in range(3)]
        too_many = machine.execute("runner1", *f"docker run --rm --network {traffic.NETWORK} weft-lab:1 true".split())
    finally:
        for number in range(3):
            traffic.remove_container("runner1", f"more{number}")
    assert sorted(given) == ["198.18.64.10", "198.18.64.11", "198.18.64.12", "198.18.64.13"]
    assert too_many.returncode != 0
    assert "no available IPv4 addresses" in too_many.stderr
    assert "198.18.64.14/29" in on("hub", "ip address show vxkr1")


NAMES = {
    "hub_link": "ov-hub",
    "hub_tunnel": "ovr",
    "runner_tunnel": "ovx0",
    "bridge": "ov-bridge",
    "network": "overlay-net",
}


def test_other_names_and_another_port_and_base(inventory, on):
    _build(inventory, names=NAMES, port=4790, base_vni=7000)
    try:
        inner = {runner: traffic.run_container(runner, "overlay-net") for runner in PAIR}
        with traffic.captured("udp port 4790") as lines:
            assert _answers("runner1", inner["runner2"])
        assert lines
        assert "7001" in on("hub", "ip -d link show ovr1")
        for name in HOSTS:
            assert not {"kohaku-host", "vxkr1", "vxlan0", "kohaku-overlay"} & set(on(name, "ls /sys/class/net").split())
        assert "kohaku" not in on("runner1", "docker network ls; firewall-cmd --zone=trusted --list-interfaces")
        _nothing_left_to_do(inventory)
    finally:
        for runner in PAIR:
            traffic.remove_container(runner)


@pytest.fixture(scope="module")
def over_ipv6(inventory):
    for name in HOSTS:
        inventory.put(name, underlay_address=hosts.load(name).address6)
    yield _build(inventory)
    for name in HOSTS:
        inventory.put(name)


def test_an_ipv6_underlay(inventory, over_ipv6: runs.Run, on):
    inner = _works(traffic.HUB)
    (link,) = json.loads(on("hub", "ip -j -d link show vxkr1"))
    data = link["linkinfo"]["info_data"]
    assert (data["local6"], data["remote6"], link["mtu"]) == ("fd00:18::10", "fd00:18::11", 1430)
    with traffic.captured("ip6 and udp port 4789") as lines:
        assert _answers("runner1", inner["runner2"], "-M", "do", "-s", "1402")
    assert lines
    assert "message too long" in traffic.pings("runner1", inner["runner2"], "-M", "do", "-s", "1403").stderr.lower()
    _nothing_left_to_do(inventory)


@pytest.mark.fault("F42")
def test_over_ipv6_a_stranger_does_not_get_in_either(over_ipv6, on):
    on("nas1", "ip link add evil type vxlan id 101 remote fd00:18::10 dstport 4789 udp6zerocsumrx nolearning")
    on("nas1", "ip address add 10.1.0.77/8 dev evil; ip link set evil up")
    on("nas1", "ip neighbour replace 10.0.0.1 lladdr 02:77:00:00:00:65 dev evil")
    try:
        before = on("hub", "cat /sys/class/net/vxkr1/statistics/rx_packets")
        machine.execute("nas1", "ping", "-c3", "-i0.2", "-W1", "10.0.0.1")
        assert on("hub", "cat /sys/class/net/vxkr1/statistics/rx_packets") == before
    finally:
        on("nas1", "ip link del evil")


def test_back_to_the_defaults(inventory):
    for name in HOSTS:
        inventory.put(name)
    _build(inventory)
    assert traffic.settled(PAIR) == []
    assert inventory.ids() == {"runner1": 1, "runner2": 2}
    _nothing_left_to_do(inventory)
