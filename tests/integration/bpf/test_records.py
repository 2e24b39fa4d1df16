# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every denial is counted; recorded are as many as each sender's share allows."""

from __future__ import annotations

import time

import pytest
from scapy.layers.l2 import ARP

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.judging import judging
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import REASONS
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import ATTACHMENTS, DB, FIRST, LAN, NEVER, WATCHED, WEB, echo, ether, packet, tcp
from tests.integration.bpf.stage import Stage

NUMBERS = {reason.name: reason.number for reason in REASONS}
BURST = 16


@pytest.mark.parametrize("family", FAMILIES)
def test_a_record_says_who_and_what_and_why(stage: Stage, family: str) -> None:
    stage.records()
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    denied = packet("web", "db", family, tcp(22))
    stage.show(denied, "web")
    (found,) = stage.records()
    at = family == "ipv6"
    assert before < found.time < time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert found[1:-1] == (
        ADDRESSES["web"][at],
        ADDRESSES["db"][at],
        *(WEB, DB, FIRST, ATTACHMENTS["web"], stage.devices["web"], NEVER, len(bytes(denied))),
        *(40000, 22, 0x86DD if at else 0x0800, 6, 0, NUMBERS["RULE"], 0, 0),
    )


def test_a_record_says_by_which_generation_it_was_judged(stage: Stage) -> None:
    stage.records()
    for _turn in range(2):
        stage.switch_again()
        stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
        (found,) = stage.records()
        assert found.generation == judging(stage.folder).generation % 256


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_observed_is_recorded_as_such(stage: Stage, family: str) -> None:
    stage.records()
    stage.show(packet("web", "db", family, tcp(23)), "web")
    (found,) = stage.records()
    assert (found.observed, found.rule, found.reason) == (1, WATCHED, NUMBERS["RULE"])


def test_what_passes_is_not_recorded(stage: Stage) -> None:
    stage.records()
    stage.show(packet("web", "db", "ipv4", tcp()), "web")
    assert (stage.records(), counters(stage.folder)) == ([], ())


def test_a_record_says_where_it_was_leaving(stage: Stage) -> None:
    stage.records()
    stage.show(packet("host", "db", "ipv4", echo("ipv4")), "db", "egress")
    (found,) = stage.records()
    assert (found.direction, found.type, found.source_identity, found.destination_identity) == (1, 8, 1, DB)


def test_a_record_of_arp_says_whose_address_was_claimed(stage: Stage) -> None:
    stage.records()
    stage.show(ether("web") / ARP(op=2, psrc=ADDRESSES["db"][0], pdst=ADDRESSES["host"][0]), "web")
    (found,) = stage.records()
    assert (found.source, found.destination, found.ethertype, found.source_identity) == (
        ADDRESSES["db"][0],
        ADDRESSES["host"][0],
        0x0806,
        0,
    )


def test_a_flood_is_counted_and_mostly_not_recorded(stage: Stage) -> None:
    stage.records()
    frame = packet("web", "db", "ipv4", tcp(22))
    begin = time.monotonic()
    assert stage.repeat(frame, "web", 5000) == 5000
    allowed = BURST + 10 * (time.monotonic() - begin) + 1
    recorded = len(stage.records())
    (found,) = counters(stage.folder)
    assert (found.source, found.destination, found.reason, found.observed) == (WEB, DB, NUMBERS["RULE"], 0)
    assert (found.packets, found.octets, found.unrecorded) == (5000, 5000 * len(bytes(frame)), 5000 - recorded)
    assert BURST <= recorded <= allowed


@pytest.mark.fault("F58")
def test_a_flood_does_not_hide_what_others_do(stage: Stage) -> None:
    stage.records()
    stage.repeat(packet("web", "db", "ipv4", tcp(22)), "web", 1000)
    stage.repeat(packet("far", "db", "ipv4", tcp(22)), "web", 1000)  # nobody's: not the identity but the link
    stage.show(packet("lan", "db", "ipv4", tcp(22), bare=True), "tun")
    stage.show(packet("far", "db", "ipv4", tcp(22)), "db")
    recorded = stage.records()
    assert [found.source_identity for found in recorded].count(LAN) == 1
    assert [found.attachment for found in recorded].count(ATTACHMENTS["db"]) == 1


def test_a_sender_has_its_share_again_after_a_while(stage: Stage) -> None:
    stage.repeat(packet("web", "db", "ipv4", tcp(22)), "web", 100)
    stage.records()
    end = time.monotonic() + 5
    found: list[object] = []
    while not found and time.monotonic() < end:
        stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
        found = list(stage.records())
        time.sleep(0.02)
    assert found


def test_packets_are_dropped_although_nobody_reads(stage: Stage) -> None:
    """A full ring buffer costs records, and nothing else."""
    stage.records()
    frame = packet("web", "db", "ipv4", tcp(22))
    recorded = 0
    # 1 MiB of records of some 88 bytes; shares are given back so that they do not end it first.
    for _turn in range(800):
        stage.forget_shares()
        assert stage.repeat(frame, "web", BURST) == BURST
        recorded += BURST
    found = stage.records()
    assert 10000 < len(found) < recorded
    (counted,) = counters(stage.folder)
    assert (counted.packets, counted.unrecorded) == (recorded, recorded - len(found))
