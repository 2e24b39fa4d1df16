# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ICMP errors pass where the packet that they quote was of a flow that may still be."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6ExtHdrDestOpt,
)
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import KINDS, answer, maps, network, packet, query, tcp, udp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)
each_kind = pytest.mark.parametrize("kind", KINDS)

ERRORS = {
    "ipv4": [ICMP(type=3, code=code) for code in (0, 1, 3, 4)] + [ICMP(type=11), ICMP(type=12)],
    "ipv6": [ICMPv6DestUnreach(), ICMPv6PacketTooBig(), ICMPv6TimeExceeded(), ICMPv6ParamProblem()],
}
# what a router quotes at least: eight bytes of the protocol
LEAST = {"ipv4": 28, "ipv6": 48}


def quoting(source: str, destination: str, family: str, quoted: Packet, size: int = 1000, error: int = 0) -> Packet:
    """An error from `source` to `destination` about a packet, of which it has `size` bytes."""
    return packet(source, destination, family, ERRORS[family][error] / Raw(bytes(quoted)[:size]))


def asked(family: str, kind: str) -> Packet:
    return network("web", "db", family) / query(family, kind)


@pytest.mark.fault("F47")
@both
@each_kind
def test_an_error_about_a_known_flow_passes(stage: Stage, family: str, kind: str) -> None:
    error = quoting("db", "web", family, asked(family, kind))
    assert stage.show(error, "db").said == "NO_RULE"
    assert stage.show(packet("web", "db", family, query(family, kind)), "web").said == "PASS"
    for number in range(len(ERRORS[family])):
        assert stage.show(quoting("db", "web", family, asked(family, kind), error=number), "db").said == "PASS"


@both
@each_kind
def test_an_error_about_an_answer_passes(stage: Stage, family: str, kind: str) -> None:
    """db's answer was too large, or web no longer listens."""
    stage.show(packet("web", "db", family, query(family, kind)), "web")
    error = quoting("web", "db", family, network("db", "web", family) / answer(family, kind))
    assert stage.show(error, "web").said == "PASS"
    stage.forget()
    assert stage.show(error, "web").said == "NO_RULE"


@both
@each_kind
def test_eight_bytes_of_a_header_are_enough(stage: Stage, family: str, kind: str) -> None:
    stage.show(packet("web", "db", family, query(family, kind)), "web")
    assert stage.show(quoting("db", "web", family, asked(family, kind), LEAST[family]), "db").said == "PASS"
    assert stage.show(quoting("db", "web", family, asked(family, kind), LEAST[family] - 1), "db").said == "NO_RULE"


@pytest.mark.fault("F47")
@both
def test_an_error_about_nothing_is_denied(stage: Stage, family: str) -> None:
    stage.show(packet("web", "db", family, udp()), "web")
    for quoted in (
        network("web", "db", family) / udp(source=40001),
        network("web", "db", family) / udp(54),
        network("web", "lan", family) / udp(),
        network("web", "far", family) / udp(),
        network("web", "db", family) / tcp(53),
        Raw(b""),
        Raw(bytes(200)),
    ):
        assert stage.show(quoting("db", "web", family, quoted), "db").said == "NO_RULE", quoted


@both
def test_an_error_goes_to_who_sent_what_it_is_about(stage: Stage, family: str) -> None:
    """Otherwise anybody could be told anything by way of somebody else's flow."""
    stage.show(packet("lan", "db", family, udp(), bare=True), "tun")
    about_lan = network("lan", "db", family) / udp()
    assert stage.show(quoting("db", "lan", family, about_lan), "db").said == "PASS"
    assert stage.show(quoting("db", "web", family, about_lan), "db").said == "NO_RULE"


@both
def test_an_error_comes_from_where_the_packet_was_going(stage: Stage, family: str) -> None:
    """far cannot end a connection to db, and neither can lan."""
    stage.show(packet("web", "db", family, udp()), "web")
    forged = network("lan", "web", family) / ERRORS[family][0] / Raw(bytes(asked(family, "udp")))
    assert stage.show(forged, "tun").said == "NO_RULE"


@both
def test_a_router_on_the_way_may_report(stage: Stage, family: str) -> None:
    """It is behind no policed interface, and its packet is judged where it leaves."""
    stage.show(packet("web", "world", family, udp(443)), "web")
    about = network("web", "world", family) / udp(443)
    assert stage.show(quoting("198.51.100.1" if family == "ipv4" else "2001:db8:1::1", "web", family, about), "web",
                      "egress").said == "PASS"  # fmt: skip
    other = network("web", "world", family) / udp(444)
    assert stage.show(quoting("host", "web", family, other), "web", "egress").said == "NO_RULE"
    assert stage.show(quoting("host", "web", family, about), "web", "egress").said == "PASS"


@both
def test_a_withdrawn_policy_ends_errors_too(stage: Stage, family: str) -> None:
    stage.show(packet("web", "db", family, udp()), "web")
    flows = calls.read_all("flows", stage.map("flows"))
    stage.enforce(maps()._replace(verdicts=()))
    for key, value in flows.items():
        calls.put(stage.map("flows"), key, value)
    assert stage.show(quoting("db", "web", family, asked(family, "udp")), "db").said == "NO_RULE"


@pytest.mark.fault("F47")
@both
def test_who_speaks_for_another_reports_nothing(stage: Stage, family: str) -> None:
    stage.show(packet("web", "db", family, udp()), "web")
    assert stage.show(quoting("db", "web", family, asked(family, "udp")), "far").said == "SOURCE"


@both
def test_other_messages_than_errors_are_judged_by_themselves(stage: Stage, family: str) -> None:
    stage.show(packet("web", "db", family, udp()), "web")
    about = bytes(asked(family, "udp"))
    if family == "ipv4":
        messages = [ICMP(type=kind) / Raw(about) for kind in (4, 5, 13, 40)]
    else:
        messages = [ICMPv6DestUnreach(type=kind) / Raw(about) for kind in (5, 100, 127, 200)]
    for message in messages:
        assert stage.show(packet("db", "web", family, message), "db").said == "NO_RULE"


def test_what_is_quoted_may_have_extension_headers(stage: Stage) -> None:
    stage.show(packet("web", "db", "ipv6", udp()), "web")
    quoted = network("web", "db", "ipv6") / IPv6ExtHdrDestOpt() / udp()
    assert stage.show(quoting("db", "web", "ipv6", quoted), "db").said == "PASS"


def test_the_middle_of_a_datagram_says_nothing(stage: Stage) -> None:
    stage.show(packet("web", "db", "ipv4", udp()), "web")
    quoted = network("web", "db", "ipv4", frag=3) / udp()
    assert stage.show(quoting("db", "web", "ipv4", quoted), "db").said == "NO_RULE"
