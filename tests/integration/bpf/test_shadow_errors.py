# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ICMP errors between two networks that have the same addresses quote what their receiver has sent."""

from __future__ import annotations

from itertools import product

import pytest
from scapy.layers.inet import ICMP, TCP, UDP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, ANY_PROTOCOL, Verdict
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import KINDS, answer, query, tcp, udp
from tests.integration.bpf.stage import Stage
from tests.integration.bpf.test_related import ERRORS, LEAST
from tests.integration.bpf.test_shadows import FAR, TUN, WEB, answered, asked, becomes, twins
from tests.integration.bpf.twins import ANN, ANNS, BOB, BOBS, MARKS, maps, own, packet, seen

__all__ = ["twins"]

both = pytest.mark.parametrize("family", FAMILIES)
each_kind = pytest.mark.parametrize("kind", KINDS)

Pair = tuple[Packet, Packet]


def question(family: str, kind: str = "tcp") -> Pair:
    """As ann sent it, and as bob got it."""
    return asked(family, query(family, kind) / Raw(bytes(range(50))), bare=True)


def about(family: str, quoted: Pair, size: int = 1000, error: int = 0) -> Pair:
    """What bob's side says of a packet of ann's, and what ann hears."""
    parts = [bytes(quoted[number])[:size] for number in (1, 0)]
    said, heard = (ERRORS[family][error] / Raw(part) for part in parts)
    return (
        packet(own("bob", family), seen("ann", family), family, said),
        packet(seen("bob", family), own("ann", family), family, heard),
    )


@both
@each_kind
def test_an_error_quotes_what_was_sent(twins: Stage, family: str, kind: str) -> None:
    pair = about(family, question(family, kind))
    assert twins.show(pair[0], FAR).said == "NO_RULE"
    becomes(twins, asked(family, query(family, kind)), WEB, BOBS)
    for number in range(len(ERRORS[family])):
        becomes(twins, about(family, question(family, kind), error=number), FAR, ANNS)


@both
@each_kind
@pytest.mark.parametrize("more", [0, 2, 9, 11, 12, 40])
def test_any_part_of_it(twins: Stage, family: str, kind: str, more: int) -> None:
    """A checksum that is not among it cannot be changed, and is not counted."""
    becomes(twins, asked(family, query(family, kind)), WEB, BOBS)
    becomes(twins, about(family, question(family, kind), LEAST[family] + more), FAR, ANNS)


@both
@each_kind
def test_an_error_about_an_answer(twins: Stage, family: str, kind: str) -> None:
    """ann no longer listens, or bob's answer was too large."""
    becomes(twins, asked(family, query(family, kind)), WEB, BOBS)
    was, came = answered(family, answer(family, kind) / Raw(b"x" * 9), bare=True)
    said = packet(own("ann", family), seen("bob", family), family, ERRORS[family][0] / Raw(bytes(came)))
    heard = packet(seen("ann", family), own("bob", family), family, ERRORS[family][0] / Raw(bytes(was)))
    becomes(twins, (said, heard), WEB, BOBS)
    twins.forget()
    assert twins.show(said, WEB).said == "NO_RULE"


@both
def test_a_datagram_without_a_checksum_is_quoted_without_one(twins: Stage, family: str) -> None:
    becomes(twins, asked(family, udp()), WEB, BOBS)
    quoted = asked(family, UDP(sport=40000, dport=53, chksum=0) / Raw(b"question"), bare=True)
    becomes(twins, about(family, quoted), FAR, ANNS)


@both
def test_headers_before_it_make_no_difference(twins: Stage, family: str) -> None:
    becomes(twins, asked(family, udp()), WEB, BOBS)
    if family == "ipv6":
        becomes(twins, about(family, asked(family, IPv6ExtHdrDestOpt() / udp(), bare=True)), FAR, ANNS)
        first = IPv6ExtHdrFragment(m=1, id=9, nh=17)
        becomes(twins, about(family, asked(family, first / udp(), bare=True)), FAR, ANNS)
    else:
        becomes(twins, about(family, asked(family, udp(), bare=True, tos=8, id=77, ttl=1, flags="DF")), FAR, ANNS)


@both
def test_a_router_of_the_host_reports_to_who_has_sent_it(twins: Stage, family: str) -> None:
    """What is too large, or has gone too far: the host says so by an address of its own, to the address that the packet
    had when it was looked at."""
    sent, got = question(family, "udp")
    somebody = "198.51.100.1" if family == "ipv4" else "2001:db8:1::1"
    for router, number in product((somebody, own("hut", family)), range(len(ERRORS[family]))):
        said = packet(router, seen("ann", family), family, ERRORS[family][number] / Raw(bytes(got)))
        heard = packet(router, own("ann", family), family, ERRORS[family][number] / Raw(bytes(sent)))
        assert twins.show(said, WEB, "egress").said == "NO_RULE"
        becomes(twins, asked(family, udp()), WEB, BOBS)
        becomes(twins, (said, heard), WEB, ANNS, "egress")
        twins.forget()


@both
@each_kind
def test_errors_as_another_host_has_translated_them(twins: Stage, family: str, kind: str) -> None:
    said, heard = (found.payload for found in about(family, question(family, kind)))
    assert twins.show(heard, TUN).said == "NO_RULE"
    becomes(twins, asked(family, query(family, kind)), WEB, BOBS)
    found = twins.show(heard, TUN)
    assert (found.said, found.mark) == ("PASS", MARKS[ANNS])
    # and on a host between two that translate
    twins.forget()
    assert twins.show(question(family, kind)[1], TUN).said == "PASS"
    assert twins.show(heard, TUN).said == "PASS"
    becomes(twins, about(family, question(family, kind)), FAR, ANNS)
    assert twins.show(said, TUN).said == "SOURCE"


@both
def test_an_error_about_somebody_elses_packet_is_denied(twins: Stage, family: str) -> None:
    becomes(twins, asked(family, udp()), WEB, BOBS)
    for quoted in (
        packet(seen("amy", family), own("bob", family), family, udp(), bare=True),
        packet(own("ann", family), own("bob", family), family, udp(), bare=True),
        packet(seen("ann", family), own("amy", family), family, udp(), bare=True),
        packet(own("ann", family), seen("bob", family), family, udp(), bare=True),
    ):
        said = packet(own("bob", family), seen("ann", family), family, ERRORS[family][0] / Raw(bytes(quoted)))
        assert twins.show(said, FAR).said == "NO_RULE", quoted


@both
def test_an_error_that_a_rule_allows_is_translated_as_well_as_it_can_be(twins: Stage, family: str) -> None:
    """Whatever it quotes: addresses of either network, or of neither, or noise."""
    all_of_it = (Verdict(BOB, ANN, ANY_PROTOCOL, 1 if family == "ipv4" else 58, ALLOW, 0, 1),)
    twins.enforce(maps()._replace(verdicts=all_of_it))
    becomes(twins, about(family, question(family)), FAR, ANNS)
    world = "192.0.2.7" if family == "ipv4" else "2001:db8::7"
    sent = packet(own("ann", family), world, family, tcp(), bare=True)
    got = packet(seen("ann", family), world, family, tcp(), bare=True)
    becomes(twins, about(family, (sent, got)), FAR, ANNS)
    for noise in (b"", b"\x45", bytes(range(90))):
        becomes(twins, about(family, (Raw(noise), Raw(noise))), FAR, ANNS)


def test_an_extension_behind_the_quote_is_left_alone(twins: Stage) -> None:
    """RFC 4884: the quoted datagram is padded to 128 bytes, and what follows is no part of it."""
    becomes(twins, asked("ipv4", udp()), WEB, BOBS)
    sent, got = asked("ipv4", TCP(sport=40000, dport=5432, flags="S"), bare=True)
    becomes(twins, asked("ipv4", tcp()), WEB, BOBS)
    label = b"\x20\x00\x00\x00\x00\x08\x01\x01\x00\x01\x21\x01"
    parts = [Raw(bytes(one).ljust(128, b"\0") + label) for one in (got, sent)]
    said = packet(own("bob", "ipv4"), seen("ann", "ipv4"), "ipv4", ICMP(type=11, unused=0x200000 >> 8) / parts[0])
    heard = packet(seen("bob", "ipv4"), own("ann", "ipv4"), "ipv4", ICMP(type=11, unused=0x200000 >> 8) / parts[1])
    becomes(twins, (said, heard), FAR, ANNS)
