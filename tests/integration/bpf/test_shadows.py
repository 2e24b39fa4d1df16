# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Packets between two networks that have the same addresses: what comes out is, byte for byte, what somebody would have
built who knows only the network that it goes to."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bind, unbind
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import KINDS, answer, query, tcp, udp
from tests.integration.bpf.stage import Outcome, Stage
from tests.integration.bpf.twins import ANN, ANNS, BOB, BOBS, EVE, LINKS, MARKS, maps, own, packet, seen, shadow

both = pytest.mark.parametrize("family", FAMILIES)
each_kind = pytest.mark.parametrize("kind", KINDS)

WEB, FAR, TUN = (LINKS[name][0] for name in ("ann", "bob", "tun"))


@pytest.fixture
def twins(_theatre: Stage) -> Iterator[Stage]:
    _theatre.enforce(maps())
    yield _theatre
    for index in _theatre.devices.values():
        unbind(_theatre.folder, index)


def asked(family: str, what: Packet, bare: bool = False, **fields: object) -> tuple[Packet, Packet]:
    """What ann sends to bob, and what bob gets."""
    before = packet(own("ann", family), seen("bob", family), family, what.copy(), bare, **fields)
    return before, packet(seen("ann", family), own("bob", family), family, what.copy(), bare, **fields)


def answered(family: str, what: Packet, bare: bool = False, **fields: object) -> tuple[Packet, Packet]:
    """What bob sends to ann, and what ann gets."""
    before = packet(own("bob", family), seen("ann", family), family, what.copy(), bare, **fields)
    return before, packet(seen("bob", family), own("ann", family), family, what.copy(), bare, **fields)


def becomes(stage: Stage, pair: tuple[Packet, Packet], link: str, network: int, hook: str = "ingress") -> Outcome:
    """It passes as a packet of that network, with its addresses."""
    found, after = stage.cross(pair[0], link, hook)
    assert (found.passed, found.mark) == (True, MARKS[network]), found
    assert after == bytes(pair[1]), f"{type(pair[1])(after)!r} should be {pair[1]!r}"
    return found


@both
@each_kind
def test_questions_and_answers_are_in_the_addresses_of_who_gets_them(twins: Stage, family: str, kind: str) -> None:
    assert twins.show(answered(family, answer(family, kind))[0], FAR).said == "NO_RULE"
    assert becomes(twins, asked(family, query(family, kind)), WEB, BOBS).said == "PASS"
    assert becomes(twins, answered(family, answer(family, kind)), FAR, ANNS).said == "PASS"


@both
@pytest.mark.parametrize("kind", ["tcp", "udp", "sctp"])
def test_what_is_known_is_translated_without_a_verdict(twins: Stage, family: str, kind: str) -> None:
    questions = [tcp(), tcp(flags="A"), tcp(flags="A")] if kind == "tcp" else [query(family, kind)] * 3
    for what in questions:
        becomes(twins, asked(family, what), WEB, BOBS)
    becomes(twins, answered(family, answer(family, kind)), FAR, ANNS)
    twins.forget_verdicts()
    becomes(twins, asked(family, questions[-1]), WEB, BOBS)
    becomes(twins, answered(family, answer(family, kind)), FAR, ANNS)
    if kind != "tcp":
        assert twins.show(asked(family, query(family, "tcp"))[0], WEB).said == "NO_RULE"


@both
def test_a_device_without_ethernet_and_vlans_make_no_difference(twins: Stage, family: str) -> None:
    becomes(twins, asked(family, tcp(), bare=True), "bare", BOBS)
    tags = Ether(src="02:00:00:00:00:55", dst="02:00:00:00:00:01") / Dot1Q(vlan=5) / Dot1Q(vlan=6)
    before, after = asked(family, tcp(), bare=True)
    becomes(twins, (tags / before, tags / after), WEB, BOBS)


@both
def test_other_headers_stay_what_they_are(twins: Stage, family: str) -> None:
    if family == "ipv4":
        fields = {"tos": 0xB8, "id": 4711, "flags": "DF", "ttl": 3, "options": [IPOption_Router_Alert()]}
        becomes(twins, asked(family, tcp(), **fields), WEB, BOBS)
    else:
        chain = IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
        becomes(twins, asked(family, chain / tcp(), tc=0xB8, fl=77, hlim=3), WEB, BOBS)
        becomes(twins, asked(family, chain / udp()), WEB, BOBS)


@both
@pytest.mark.parametrize("length", range(9))
def test_payloads_of_any_length_are_summed_up(twins: Stage, family: str, length: int) -> None:
    for what in (tcp() / Raw(b"\xff" * length), UDP(sport=40000, dport=53) / Raw(b"\xfe" * length)):
        becomes(twins, asked(family, what), WEB, BOBS)


def test_a_datagram_without_a_checksum_gets_none(twins: Stage) -> None:
    becomes(twins, asked("ipv4", UDP(sport=40000, dport=53, chksum=0) / Raw(b"question")), WEB, BOBS)


@both
def test_a_checksum_that_comes_to_nothing_is_not_left_out(twins: Stage, family: str) -> None:
    """UDP's 0 means that there is none: it is written 0xffff."""
    (number,) = (number for number in range(1 << 16) if _sum_of(family, number) == 0)
    pair = asked(family, UDP(sport=40000, dport=53) / Raw(number.to_bytes(2, "big")))
    assert Ether(bytes(pair[1]))[UDP].chksum == 0xFFFF
    becomes(twins, pair, WEB, BOBS)


def _sum_of(family: str, number: int) -> int:
    """UDP's checksum, at the receiver, of two bytes of payload."""
    ends = b"".join(ip_address(end).packed for end in (seen("ann", family), own("bob", family)))
    words = ends + (10).to_bytes(2, "big") + (17).to_bytes(2, "big")
    words += b"".join(value.to_bytes(2, "big") for value in (40000, 53, 10, 0, number))
    total = sum(int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2))
    return ~(total % 0xFFFF or 0xFFFF) & 0xFFFF


def test_a_checksum_that_was_wrong_stays_wrong(twins: Stage) -> None:
    """Nobody mends what was damaged on its way."""
    pair = asked("ipv4", TCP(sport=40000, dport=5432, flags="S", chksum=0x1234))
    _found, after = twins.cross(pair[0], WEB)
    good = [asked("ipv4", tcp())[number] for number in (0, 1)]
    sums = [Ether(bytes(one))[TCP].chksum for one in good]
    assert (Ether(after)[TCP].chksum - 0x1234) % 0xFFFF == (sums[1] - sums[0]) % 0xFFFF


@both
def test_protocols_that_do_not_sum_up_addresses(twins: Stage, family: str) -> None:
    becomes(twins, asked(family, GRE() / Raw(bytes(range(40)))), WEB, BOBS)


@both
def test_what_is_denied_is_counted_as_it_was_met(twins: Stage, family: str) -> None:
    twins.records()
    found = twins.show(asked(family, tcp(9))[0], WEB)
    assert (found.said, found.source, found.destination) == ("NO_RULE", ANN, BOB)
    (record,) = twins.records()
    assert (record.source, record.destination) == (own("ann", family), seen("bob", family))
    assert twins.show(answered(family, tcp(9))[0], FAR).said == "NO_RULE"


@both
def test_what_is_observed_is_translated_too(twins: Stage, family: str) -> None:
    assert becomes(twins, asked(family, tcp(23)), WEB, BOBS).said == "observed RULE"


@both
def test_policies_name_peers_and_not_addresses(twins: Stage, family: str) -> None:
    """amy may not; nor is ann in her own network's eyes bob, whose address she has."""
    before = packet(own("amy", family), seen("bob", family), family, tcp())
    assert twins.show(before, LINKS["amy"][0]).said == "NO_RULE"
    before = packet(own("amy", family), own("ann", family), family, tcp())
    found = twins.show(before, LINKS["amy"][0])
    assert (found.said, found.destination) == ("NO_RULE", ANN)


@both
def test_nobody_speaks_as_a_shadow(twins: Stage, family: str) -> None:
    for link in (WEB, FAR, LINKS["eve"][0]):
        for name in ("ann", "bob"):
            assert twins.show(packet(seen(name, family), own("bob", family), family, tcp()), link).said == "SOURCE"
    host = packet(seen("ann", family), own("bob", family), family, tcp())
    assert twins.show(host, FAR, "egress").said == "SOURCE"


@both
def test_who_is_not_peered_reaches_no_shadow(twins: Stage, family: str) -> None:
    for name, reached in (("ann", ANN), ("bob", BOB)):
        found = twins.show(packet(own("eve", family), seen(name, family), family, tcp()), LINKS["eve"][0])
        assert (found.said, found.source, found.destination) == ("NETWORK", EVE, reached)


@both
def test_without_routes_of_the_receivers_network_nothing_goes_there(twins: Stage, family: str) -> None:
    twins.enforce(maps()._replace(tags=tuple(tag for tag in maps().tags if tag.network != BOBS)))
    assert twins.show(asked(family, tcp())[0], WEB).said == "UNREADY"


@both
@each_kind
def test_what_the_host_sends_is_translated_where_it_leaves(twins: Stage, family: str, kind: str) -> None:
    what = query(family, kind)
    before = packet(own("hut", family), seen("bob", family), family, what.copy())
    after = packet(seen("hut", family), own("bob", family), family, what.copy())
    becomes(twins, (before, after), FAR, BOBS, "egress")
    back = packet(own("bob", family), seen("hut", family), family, answer(family, kind))
    came = packet(seen("bob", family), own("hut", family), family, answer(family, kind))
    becomes(twins, (back, came), FAR, ANNS)
    assert twins.show(before, FAR, "egress", MARKS[ANNS], WEB).said == "PASS", "it was judged before"


@both
@each_kind
def test_what_another_host_has_translated_is_judged_as_it_comes(twins: Stage, family: str, kind: str) -> None:
    """It is bob's network's; his answer is translated where he speaks."""
    _before, after = asked(family, query(family, kind), bare=True)
    found = twins.show(after, TUN)
    assert (found.said, found.mark) == ("PASS", MARKS[BOBS])
    becomes(twins, answered(family, answer(family, kind)), FAR, ANNS)
    _before, after = asked(family, tcp(9), bare=True)
    found = twins.show(after, TUN)
    assert (found.said, found.source, found.destination) == ("NO_RULE", ANN, BOB)


@both
@each_kind
def test_answers_come_as_another_host_has_translated_them(twins: Stage, family: str, kind: str) -> None:
    becomes(twins, asked(family, query(family, kind)), WEB, BOBS)
    _before, after = answered(family, answer(family, kind), bare=True)
    found = twins.show(after, TUN)
    assert (found.said, found.mark) == ("PASS", MARKS[ANNS])


@both
@each_kind
def test_a_host_between_two_that_translate_knows_the_answer(twins: Stage, family: str, kind: str) -> None:
    """It meets both directions as they are behind the translation."""
    assert twins.show(answered(family, answer(family, kind), bare=True)[1], TUN).said == "NO_RULE"
    assert twins.show(asked(family, query(family, kind), bare=True)[1], TUN).said == "PASS"
    found = twins.show(answered(family, answer(family, kind), bare=True)[1], TUN)
    assert (found.said, found.mark) == ("PASS", MARKS[ANNS])


@both
def test_who_speaks_by_a_shadow_speaks_to_that_network_only(twins: Stage, family: str) -> None:
    """ann as bob's network knows her has nothing to ask for by her own network's shadows, nor by anything else."""
    there = packet(seen("ann", family), seen("amy", family), family, tcp(), bare=True)
    assert twins.show(there, TUN).said == "SHADOW"
    elsewhere = packet(seen("ann", family), own("eve", family), family, tcp(), bare=True)
    assert twins.show(elsewhere, TUN).said == "NETWORK"


@both
def test_fragments_are_translated_each(twins: Stage, family: str) -> None:
    whole = bytes(asked(family, UDP(sport=40000, dport=53) / Raw(bytes(range(64))), bare=True)[0])
    changed = bytes(asked(family, UDP(sport=40000, dport=53) / Raw(bytes(range(64))), bare=True)[1])
    size = 40 if family == "ipv6" else 20
    for at, end in ((0, 24), (24, 48), (48, 72)):
        parts = [data[size:][at:end] for data in (whole, changed)]
        pair = (_piece(family, 0, parts[0], at, end < 72), _piece(family, 1, parts[1], at, end < 72))
        becomes(twins, pair, WEB, BOBS)


def _piece(family: str, after: int, data: bytes, at: int, more: bool) -> Packet:
    if family == "ipv6":
        header = IPv6ExtHdrFragment(offset=at // 8, m=int(more), id=9, nh=17)
        return asked(family, header / Raw(data))[after]
    return asked(family, Raw(data), flags="MF" if more else 0, frag=at // 8, id=9, proto=17)[after]


@both
def test_a_later_fragment_that_nobody_knows_is_dropped(twins: Stage, family: str) -> None:
    assert twins.show(_piece(family, 0, bytes(24), 24, True), WEB).said == "FRAGMENT"


@both
def test_what_is_nobodys_is_meant_as_it_is_seen(twins: Stage, family: str) -> None:
    """ann may ask the world, and so all of bob's network that nobody declares."""
    before = packet(own("ann", family), seen("spare", family, BOBS), family, udp())
    after = packet(seen("ann", family), own("spare", family), family, udp())
    becomes(twins, (before, after), WEB, BOBS)
    back = packet(own("spare", family), seen("ann", family), family, answer(family, "udp"))
    came = packet(seen("spare", family, BOBS), own("ann", family), family, answer(family, "udp"))
    becomes(twins, (back, came), FAR, ANNS)
    other = packet(own("spare", family), seen("ann", family), family, udp(54))
    assert twins.show(other, FAR).said == "NO_RULE"
    # bob may be asked by the world, and so by all of ann's network
    before = packet(own("spare", family), seen("bob", family), family, udp(54))
    after = packet(seen("spare", family, ANNS), own("bob", family), family, udp(54))
    becomes(twins, (before, after), WEB, BOBS)


@both
def test_an_address_that_is_bound_is_found_behind_its_shadow(twins: Stage, family: str) -> None:
    single = own("spare", family)
    attachments = tuple(found._replace(flags=found.flags | BOUND) for found in maps().attachments)
    twins.enforce(maps()._replace(attachments=attachments))
    bind(twins.folder, twins.devices[WEB], own("ann", family))
    bind(twins.folder, twins.devices["bare"], single, BOB)
    before = packet(own("ann", family), seen("spare", family, BOBS), family, tcp())
    becomes(twins, (before, packet(seen("ann", family), single, family, tcp())), WEB, BOBS)
    found = twins.show(packet(own("ann", family), seen("spare", family, BOBS), family, udp(99)), WEB)
    assert (found.said, found.destination) == ("NO_RULE", BOB)
    # bob's own address is another one in ann's eyes, whatever is bound
    assert twins.show(packet(own("ann", family), single, family, udp()), WEB).said == "PASS"
    assert twins.show(packet(own("ann", family), single, family, tcp()), WEB).destination != BOB


def test_a_shadow_is_of_one_family(twins: Stage) -> None:
    assert shadow("10.20.1.2", ANNS) == "100.65.1.2"
    assert IP in asked("ipv4", ICMP())[0]
    becomes(twins, asked("ipv4", tcp()), WEB, BOBS)
