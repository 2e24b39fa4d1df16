# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What iperf3, ping, ethtool and /proc say, as they said it on real machines (shortened)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.measure import environment, iperf, usage
from ansible_collections.weft.overlay.plugins.module_utils.measure.ping import round_trips
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError

TCP = {
    "start": {"version": "iperf 3.12", "cookie": "3gc5y72lgyqqkaztuakfyscuflsj3tcklkvd"},
    "intervals": [{"sum": {"bits_per_second": 281757892.2, "omitted": False}}],
    "end": {
        "sum_sent": {"seconds": 1.000208, "bytes": 35219616, "bits_per_second": 281698335.5, "retransmits": 57},
        "sum_received": {"seconds": 1.00664, "bytes": 34593984, "bits_per_second": 274926360.9},
    },
}
UDP: dict[str, Any] = {
    "start": {"cookie": "hgh4yij2isg4lad7hzaorprrj64b6p3welkc"},
    "intervals": [{"sum": {"packets": 203610}}],
    "end": {
        "sum": {"seconds": 1.000074, "jitter_ms": 0.0038, "lost_packets": 4968, "packets": 203610},
        "sum_sent": {"seconds": 1.000018, "jitter_ms": 0, "lost_packets": 0, "packets": 203610},
        "sum_received": {"seconds": 1.000074, "jitter_ms": 0.0038, "lost_packets": 4968, "packets": 203603},
    },
}
PING = """\
PING 10.9.1.1 (10.9.1.1) from 10.9.1.2 : 56(84) bytes of data.
64 bytes from 10.9.1.1: icmp_seq=1 ttl=64 time=0.344 ms
64 bytes from 10.9.1.1: icmp_seq=3 ttl=64 time=12 ms
64 bytes from 10.9.1.1: icmp_seq=3 ttl=64 time=40.1 ms (DUP!)
From 10.9.1.2 icmp_seq=4 Destination Host Unreachable

--- 10.9.1.1 ping statistics ---
4 packets transmitted, 2 received, +1 duplicates, +1 errors, 50% packet loss, time 61ms
"""


def test_of_tcp_what_arrived_counts() -> None:
    found = iperf.tcp(json.dumps(TCP), "wg1")
    assert (found["bits_per_second"], found["bytes"], found["retransmits"]) == (274926360.9, 34593984, 57)
    assert found["cookie"].startswith("3gc5")


def test_of_udp_what_was_lost_at_the_very_end_counts_as_not_received() -> None:
    found = iperf.udp(json.dumps(UDP), "wg1")
    assert (found["sent"], found["received"]) == (203610, 203603 - 4968)


def test_an_iperf3_without_sums_by_direction_is_understood() -> None:
    older = {**UDP, "end": {"sum": UDP["end"]["sum"]}}
    assert iperf.udp(json.dumps(older), "wg1")["received"] == 203610 - 4968


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"start": {}, "error": "unable to connect to server: Connection refused"}', "iperf3: unable to connect"),
        ("iperf3: parameter error\nUsage: iperf3", "iperf3 said 'iperf3: parameter error Usage: iperf3'"),
        ("[]", "not a JSON object"),
        ('{"start": {}, "end": {}}', "cannot be read"),
    ],
)
def test_what_is_no_measurement_is_an_error_about_the_work(text: str, reason: str) -> None:
    for read in (iperf.tcp, iperf.udp):
        with pytest.raises(KernelError, match=f"wg1: tcp-1: .*{reason}"):
            read(text, "wg1: tcp-1")


def test_each_packet_has_its_time_or_none() -> None:
    # The second answer to one packet is not a second packet.
    assert round_trips(PING, 4) == [0.344, None, 12.0, None]


STAT = """\
cpu  1000 200 300 50000 700 80 90 40 500 0
cpu0 1000 200 300 50000 700 80 90 40 500 0
intr 1
"""
PROCESS = (
    "4242 (wireguard) go) S 1 4242 4242 0 -1 1077936448 1 0 0 0 250 150 0 0 20 0 12 0 99 1234567 3456 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
)


def test_a_machines_time_leaves_out_idleness_and_guests_counted_before() -> None:
    assert usage.machine(STAT, 100) == (16.7, 0.4)


def test_a_process_may_be_called_anything() -> None:
    assert usage.process(4242, PROCESS, 100, 4096) == usage.Process(4242, 4.0, 3456 * 4096)


def look(at: float, pid: int | None, seconds: float = 0.0) -> usage.Look:
    return usage.Look(at, 10 * at, at / 10, None if pid is None else usage.Process(pid, seconds, 1000 + int(at)))


def test_usage_is_what_lies_between_two_looks() -> None:
    assert usage.between(look(10, 7, 1.5), look(12, 7, 2.0)) == usage.Usage(2, 20, pytest.approx(0.2), 0.5, 1012)


@pytest.mark.parametrize(("before", "after"), [(None, None), (7, None), (None, 7), (7, 8)])
def test_another_process_has_no_share_in_what_the_first_one_used(before: int | None, after: int | None) -> None:
    found = usage.between(look(10, before), look(12, after))
    assert (found.process, found.resident) == (None, None)


def test_offloads_are_those_that_are_on() -> None:
    text = "Features for wg1:\nrx-checksumming: off [fixed]\ntx-checksumming: on\n\ttx-udp-segmentation: on [fixed]\n"
    assert environment.offloads(text) == ("tx-checksumming", "tx-udp-segmentation")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("iperf 3.12 (cJSON 1.7.15)\nLinux vm 6.18.44", "3.12"),
        ("wireguard-tools v1.0.20210914 - https://git.zx2c4.com/wireguard-tools/", "1.0.20210914"),
        ("wireguard-go v0.0.20220316\n\nUserspace WireGuard daemon", "0.0.20220316"),
        ("ping from iputils 20221126\nlibcap: yes", "20221126"),
        ("ping utility, iputils-s20190709", "20190709"),
        ("no version", None),
    ],
)
def test_a_version_is_found_where_a_program_says_it(text: str, version: str | None) -> None:
    assert environment.version(text) == version


def test_a_processor_has_a_model_on_every_architecture() -> None:
    assert environment.processor("processor\t: 0\nmodel name\t: AMD EPYC\n") == "AMD EPYC"
    assert environment.processor("processor\t: 0\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4\n") == "BCM2835"
    assert environment.processor("") is None
