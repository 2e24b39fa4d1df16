"""Packets that should not get through, looked for where they would arrive; each beside one that does arrive."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from lab import machine, traffic

PAIR = ("runner1", "runner2")


@pytest.fixture(scope="module", autouse=True)
def _attackers(inventory):
    """On runner1 a container that may do to its own network what it likes."""
    traffic.run_container("runner1", traffic.NETWORK, "evil", "--cap-add", "NET_ADMIN")
    yield
    traffic.remove_container("runner1", "evil")


def _evil(*argv):
    return traffic.inside("runner1", *argv, container="evil")


@contextmanager
def injector(remote, mac):
    """On the NAS, a tunnel to one of our hosts with a VNI of ours, that claims an address of runner1's subnet."""
    script = (
        f"ip link add evil type vxlan id 101 remote {remote} dstport 4789 nolearning; "
        "ip address add 10.1.0.77/8 dev evil; ip link set evil up; "
        f"for a in 10.0.0.1 10.1.0.2 10.1.0.1; do ip neighbour replace $a lladdr {mac} dev evil; done"
    )
    traffic.must("nas1", "sh", "-c", script)
    try:
        yield
    finally:
        traffic.must("nas1", "ip", "link", "del", "evil")


@pytest.mark.fault("F42")
@pytest.mark.parametrize(
    ("name", "link", "remote", "mac", "target"),
    [
        ("hub", "vxkr1", "198.18.0.10", "02:77:00:00:00:65", "10.0.0.1"),
        ("runner1", "vxlan0", "198.18.0.11", "02:77:02:00:00:65", "10.1.0.1"),
    ],
    ids=["hub", "runner1"],
)
def test_a_frame_from_a_host_that_is_no_remote_does_not_enter_the_overlay(name, link, remote, mac, target):
    underlay = "udp port 4789 and src host 198.18.0.2"
    forged = "src host 10.1.0.77"
    with injector(remote, mac), traffic.captured(underlay) as sent, traffic.seen(name, link, forged) as arrived:
        machine.execute("nas1", "ping", "-c3", "-i0.2", "-W1", target)
    assert [hop for hop in traffic.tunnels(sent) if hop[1:] == (remote, 101)]
    assert arrived == []


def test_the_same_look_sees_what_does_belong_there():
    own = traffic.address("runner1")
    with traffic.seen("hub", "vxkr1", f"src host {own}") as arrived:
        traffic.pings("runner1", traffic.HUB)
    assert arrived


@pytest.mark.fault("F41")
@pytest.mark.parametrize("source", ["10.2.0.77", "10.3.0.9", "10.0.0.1", "192.0.2.1", "198.18.0.2"])
def test_a_source_that_is_not_of_its_runner_reaches_nobody(source):
    target, own = traffic.address("runner2"), traffic.address("runner1", container="evil")
    assert _evil("ip", "address", "add", f"{source}/32", "dev", "eth0").returncode == 0
    try:
        with traffic.seen("runner2", "kohaku-overlay", f"host {source} or host {own}") as arrived:
            _evil("ping", "-c2", "-i0.2", "-W1", "-I", source, target)
            assert _evil("ping", "-c2", "-i0.2", "-W1", "-I", own, target).returncode == 0
    finally:
        _evil("ip", "address", "del", f"{source}/32", "dev", "eth0")
    assert [line for line in arrived if f"{own} > {target}" in line]
    assert not [line for line in arrived if f"{source} > {target}" in line]


@pytest.mark.parametrize("target", [traffic.INTERNET, "198.18.0.2"], ids=["internet", "nas"])
def test_the_hub_is_no_way_out_of_the_overlay_for_containers(target):
    assert _evil("ip", "route", "add", target, "via", "10.1.0.254").returncode == 0
    try:
        with traffic.captured(f"icmp and host {target}") as outside:
            assert _evil("ping", "-c2", "-i0.2", "-W1", target).returncode != 0
    finally:
        _evil("ip", "route", "del", target)
    assert outside == []


@pytest.mark.parametrize("target", [traffic.INTERNET, "198.18.0.2"], ids=["internet", "nas"])
def test_nor_for_a_runner_itself(target):
    traffic.must("runner1", "ip", "route", "add", target, "via", "10.1.0.254", "dev", "kohaku-overlay")
    try:
        with traffic.captured(f"icmp and host {target}") as outside, traffic.seen("hub", "vxkr1", "icmp") as at_the_hub:
            assert machine.execute("runner1", "ping", "-c2", "-i0.2", "-W1", target).returncode != 0
    finally:
        traffic.must("runner1", "ip", "route", "del", target)
    assert [line for line in at_the_hub if f"> {target}" in line]
    assert outside == []


def test_without_that_detour_the_internet_answers_it():
    assert _evil("ping", "-c2", "-i0.2", "-W1", traffic.INTERNET).returncode == 0


@pytest.mark.fault("F51")
def test_a_host_beside_the_hub_does_not_get_into_the_overlay_through_it():
    inner = traffic.address("runner1")
    traffic.must("nas1", "ip", "route", "replace", "10.0.0.0/8", "via", "198.18.0.10")
    try:
        with traffic.seen("runner1", "kohaku-overlay", f"icmp and dst host {inner}") as arrived:
            assert machine.execute("nas1", "ping", "-c2", "-i0.2", "-W1", inner).returncode != 0
            traffic.pings("runner2", inner)
    finally:
        traffic.must("nas1", "ip", "route", "del", "10.0.0.0/8")
    assert [line for line in arrived if traffic.address("runner2") in line]
    assert not [line for line in arrived if "198.18.0.2" in line]


@pytest.mark.fault("F48")
def test_ipv6_does_not_get_from_container_to_container_of_another_runner():
    _evil("ip", "-6", "address", "add", "fd00:bad::1/64", "dev", "eth0")
    with traffic.captured("udp port 4789") as lines:
        _evil("ping", "-6", "-c2", "-i0.2", "-W1", "fd00:bad::2")
        _evil("ping", "-6", "-c2", "-i0.2", "-W1", "-I", "eth0", "ff02::1")
        assert _evil("ping", "-c1", "-W1", traffic.HUB).returncode == 0
    _evil("ip", "-6", "address", "flush", "dev", "eth0", "scope", "global")
    assert [hop for hop in traffic.tunnels(lines) if hop[2] == 101]
    assert not [line for line in lines if "IP6" in line]


def test_after_all_that_everything_still_works():
    assert traffic.settled(PAIR) == []
