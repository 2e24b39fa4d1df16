"""What containers, hosts and the wires see when the overlay stands."""

from __future__ import annotations

import pytest

from lab import demo, traffic

PAIR = ("runner1", "runner2")


@pytest.fixture(scope="module", autouse=True)
def _containers():
    assert traffic.settled(PAIR) == []


def test_containers_ping_each_other_both_ways():
    demo.ping_both_ways()


def test_containers_fetch_a_page_from_each_other_both_ways():
    demo.tcp_both_ways()


def test_the_path_goes_by_the_hub_in_vni_101_and_102():
    demo.path_by_the_hub()


@pytest.mark.fault("F40")
def test_the_largest_packet_passes_and_one_byte_more_is_refused():
    demo.largest_packet()


def test_100_megabytes_arrive_whole():
    demo.large_transfer()


def test_a_service_on_the_hub_sees_the_container_itself():
    demo.service_on_the_hub()


def test_the_internet_sees_the_runner_and_the_hub_sees_nothing_of_it():
    demo.internet_past_the_hub()


@pytest.mark.fault("F48")
def test_no_frame_of_ipv6_is_in_a_tunnel():
    with traffic.captured("udp port 4789") as lines:
        traffic.inside("runner1", "ping", "-6", "-c", "1", "-W", "1", "ff02::1%eth0")
        assert traffic.pings("runner1", traffic.address("runner2")).returncode == 0
    assert traffic.tunnels(lines)
    assert not [line for line in lines if "ethertype IPv6" in line or "IP6 " in line]
