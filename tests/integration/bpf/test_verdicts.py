# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may speak to whom, of well-formed packets."""

from __future__ import annotations

import pytest
from scapy.layers.inet import TCP
from scapy.packet import Raw

from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import DB, FAR, KINDS, LAN, WEB, answer, echo, packet, query, sctp, tcp, udp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)
each_kind = pytest.mark.parametrize("kind", KINDS)


@both
@each_kind
def test_what_a_rule_allows_passes(stage: Stage, family: str, kind: str) -> None:
    assert stage.show(packet("web", "db", family, query(family, kind)), "web").said == "PASS"


@both
@each_kind
def test_a_subnet_behind_a_device_without_ethernet_headers_passes_too(stage: Stage, family: str, kind: str) -> None:
    assert stage.show(packet("lan", "db", family, query(family, kind), bare=True), "tun").said == "PASS"


@both
@pytest.mark.parametrize("what", [tcp(5433), udp(54), sctp(8), tcp(0), tcp(65535)])
def test_other_ports_do_not(stage: Stage, family: str, what: object) -> None:
    found = stage.show(packet("web", "db", family, what), "web")
    assert (found.said, found.source, found.destination) == ("NO_RULE", WEB, DB)


@both
def test_the_other_direction_does_not_without_a_question(stage: Stage, family: str) -> None:
    for kind in KINDS:
        assert stage.show(packet("db", "web", family, answer(family, kind)), "db").said == "NO_RULE"


@both
def test_a_rule_that_denies_is_told_from_the_want_of_one(stage: Stage, family: str) -> None:
    assert stage.show(packet("web", "db", family, tcp(22)), "web").said == "RULE"


@both
def test_what_is_only_observed_passes_and_is_counted(stage: Stage, family: str) -> None:
    found = stage.show(packet("web", "db", family, tcp(23)), "web")
    assert (found.passed, found.said, found.source, found.destination) == (True, "observed RULE", WEB, DB)


@both
def test_a_protocol_without_ports_is_asked_for_as_a_whole(stage: Stage, family: str) -> None:
    field = "nh" if family == "ipv6" else "proto"
    assert stage.show(packet("web", "db", family, Raw(bytes(8)), **{field: 47}), "web").said == "PASS"
    assert stage.show(packet("web", "db", family, Raw(bytes(8)), **{field: 50}), "web").said == "NO_RULE"


@pytest.mark.fault("F43")
@both
def test_a_peer_of_another_network_is_never_reached(stage: Stage, family: str) -> None:
    """Although both of its ends observe: that is about rules."""
    found = stage.show(packet("web", "far", family, tcp()), "web")
    assert (found.said, found.source, found.destination) == ("NETWORK", WEB, FAR)
    assert stage.show(packet("far", "web", family, tcp()), "far").said == "NETWORK"


@both
def test_what_nobody_says_anything_of_is_observed_where_both_ends_observe(stage: Stage, family: str) -> None:
    found = stage.show(packet("far", "world", family, tcp(9)), "far")
    assert (found.passed, found.said) == (True, "observed NO_RULE")


@both
def test_the_world_is_asked_where_a_rule_says_so(stage: Stage, family: str) -> None:
    assert stage.show(packet("web", "world", family, tcp(443)), "web").said == "PASS"
    assert stage.show(packet("web", "spare", family, tcp(443)), "web").said == "PASS"
    assert stage.show(packet("lan", "world", family, tcp(443), bare=True), "tun").said == "NO_RULE"


@both
def test_only_who_lives_on_a_link_speaks_there(stage: Stage, family: str) -> None:
    for source in ("db", "host", "spare", "far", "world"):
        found = stage.show(packet(source, "db", family, tcp()), "web")
        assert (found.said, found.source) == ("SOURCE", 0), source
    assert stage.show(packet("hole", "db", family, tcp(), bare=True), "tun").said == "SOURCE"
    assert stage.show(packet("lan", "db", family, tcp(), bare=True), "tun").source == 0


@both
def test_a_line_of_one_protocol_says_nothing_of_another(stage: Stage, family: str) -> None:
    assert stage.show(packet("web", "db", family, udp(5432)), "web").said == "NO_RULE"
    assert stage.show(packet("web", "db", family, tcp(53)), "web").said == "NO_RULE"


@both
def test_who_sends_is_counted(stage: Stage, family: str) -> None:
    found = stage.show(packet("lan", "db", family, tcp(1), bare=True), "tun")
    assert (found.source, found.destination) == (LAN, DB)


def test_the_echo_of_one_family_is_none_of_the_other(stage: Stage) -> None:
    for family, other in (("ipv4", "ipv6"), ("ipv6", "ipv4")):
        field = {"proto": 58} if family == "ipv4" else {"nh": 1}
        assert stage.show(packet("web", "db", family, Raw(bytes(echo(other))), **field), "web").said == "HEADER"


@both
def test_a_header_of_tcp_that_is_too_short_is_none(stage: Stage, family: str) -> None:
    what = TCP(sport=1, dport=5432, dataofs=4)
    assert stage.show(packet("web", "db", family, what), "web").said == "HEADER"
