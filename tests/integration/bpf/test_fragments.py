# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Only the first fragment of a datagram has ports; the others are judged by what it said."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import DB, WEB, answer, ether, maps, network, query, tcp, udp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)


def piece(
    source: str, destination: str, family: str, payload: bytes, at: int = 0, more: bool = True, number: int = 9,
    protocol: int = 17,
) -> Packet:  # fmt: skip
    """One fragment. at: in bytes."""
    if family == "ipv6":
        header = IPv6ExtHdrFragment(offset=at // 8, m=int(more), id=number, nh=protocol)
        return ether(source) / network(source, destination, family) / header / Raw(payload)
    flags = "MF" if more else 0
    ip = network(source, destination, family, flags=flags, frag=at // 8, id=number, proto=protocol)
    return ether(source) / ip / Raw(payload)


FIRST = bytes(udp()).ljust(24, b".")


@both
def test_later_fragments_follow_a_first_one_that_passed(stage: Stage, family: str) -> None:
    assert stage.show(piece("web", "db", family, FIRST), "web").said == "PASS"
    assert stage.show(piece("web", "db", family, bytes(24), 24), "web").said == "PASS"
    assert stage.show(piece("web", "db", family, bytes(5), 48, more=False), "web").said == "PASS"


@pytest.mark.fault("F45")
@both
def test_a_later_fragment_that_nobody_knows_is_dropped(stage: Stage, family: str) -> None:
    late = piece("web", "db", family, bytes(24), 24)
    assert stage.show(late, "web").said == "FRAGMENT"
    stage.show(piece("web", "db", family, FIRST), "web")
    for other in (
        piece("web", "db", family, bytes(24), 24, number=10),
        piece("web", "db", family, bytes(24), 24, protocol=6),
        piece("web", "spare", family, bytes(24), 24),
    ):
        assert stage.show(other, "web").said == "FRAGMENT"
    assert stage.show(late, "web").said == "PASS"


@pytest.mark.fault("F45")
@both
def test_what_follows_a_first_fragment_that_was_denied_is_dropped(stage: Stage, family: str) -> None:
    denied = bytes(udp(54)).ljust(24, b".")
    assert stage.show(piece("web", "db", family, denied), "web").said == "NO_RULE"
    assert stage.show(piece("web", "db", family, bytes(24), 24), "web").said == "FRAGMENT"


@pytest.mark.fault("F45")
@both
def test_a_first_fragment_holds_the_whole_header(stage: Stage, family: str) -> None:
    for size in (0, 4, 7):
        assert stage.show(piece("web", "db", family, FIRST[:size]), "web").said == "TRUNCATED"
    segment = bytes(tcp())
    for size in (8, 16, 19):
        assert stage.show(piece("web", "db", family, segment[:size], protocol=6), "web").said == "TRUNCATED"


@both
def test_no_later_fragment_replaces_the_flags_of_a_connection(stage: Stage, family: str) -> None:
    segment = bytes(tcp()) + bytes(4)
    assert stage.show(piece("web", "db", family, segment, protocol=6), "web").said == "PASS"
    for at in (8, 16):
        assert stage.show(piece("web", "db", family, bytes(24), at, protocol=6), "web").said == "FRAGMENT"
    assert stage.show(piece("web", "db", family, bytes(24), 24, protocol=6), "web").said == "PASS"


@both
def test_a_policy_that_is_withdrawn_ends_datagrams_in_their_middle(stage: Stage, family: str) -> None:
    assert stage.show(piece("web", "db", family, FIRST), "web").said == "PASS"
    fragments = calls.read_all("fragments", stage.map("fragments"))
    stage.enforce(maps()._replace(verdicts=()))
    for key, value in fragments.items():
        calls.put(stage.map("fragments"), key, value)
    found = stage.show(piece("web", "db", family, bytes(24), 24), "web")
    assert (found.said, found.source, found.destination) == ("NO_RULE", WEB, DB)


@both
def test_a_first_fragment_is_forgotten_after_a_minute(stage: Stage, family: str) -> None:
    stage.show(piece("web", "db", family, FIRST), "web")
    for key, value in calls.read_all("fragments", stage.map("fragments")).items():
        (seen,) = struct.unpack_from("=Q", value)
        calls.put(stage.map("fragments"), key, struct.pack("=Q", (seen - 61 * 10**9) % (1 << 64)) + value[8:])
    assert stage.show(piece("web", "db", family, bytes(24), 24), "web").said == "FRAGMENT"


@both
def test_fragments_of_an_answer_pass_too(stage: Stage, family: str) -> None:
    first = bytes(answer(family, "udp")).ljust(24, b".")
    assert stage.show(piece("db", "web", family, first), "db").said == "NO_RULE"
    stage.show(ether("web") / network("web", "db", family) / query(family, "udp"), "web")
    assert stage.show(piece("db", "web", family, first), "db").said == "PASS"
    assert stage.show(piece("db", "web", family, bytes(24), 24), "db").said == "PASS"


@both
def test_what_is_observed_is_so_in_all_of_its_fragments(stage: Stage, family: str) -> None:
    segment = bytes(tcp(23)) + bytes(4)
    assert stage.show(piece("web", "db", family, segment, protocol=6), "web").said == "observed RULE"
    assert stage.show(piece("web", "db", family, bytes(24), 24, protocol=6), "web").said == "observed RULE"


@both
def test_somebody_elses_fragments_are_not_ours(stage: Stage, family: str) -> None:
    """The source is looked at before anything else, in each of them."""
    stage.show(piece("web", "db", family, FIRST), "web")
    assert stage.show(piece("web", "db", family, bytes(24), 24), "db").said == "SOURCE"


def test_a_datagram_in_one_fragment_is_whole(stage: Stage) -> None:
    only = piece("web", "db", "ipv6", bytes(udp()), more=False)
    assert stage.show(only, "web").said == "PASS"
    assert calls.read_all("fragments", stage.map("fragments")) == {}


def test_a_first_fragment_may_have_more_headers_behind_its_own(stage: Stage) -> None:
    chain = bytes(IPv6ExtHdrDestOpt(nh=17) / udp()).ljust(32, b".")
    assert stage.show(piece("web", "db", "ipv6", chain, protocol=60), "web").said == "PASS"
    assert stage.show(piece("web", "db", "ipv6", bytes(24), 32, protocol=60), "web").said == "PASS"
    # and not only a part of them
    assert stage.show(piece("web", "db", "ipv6", chain[:8], protocol=60, number=10), "web").said == "TRUNCATED"
