# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What stands between the wire and the ports: tags, options, extension headers, and what contradicts itself."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, LLC, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import ether, network, packet, tcp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)

_SENDER, _HOST = "02:00:00:00:00:02", "02:00:00:00:00:01"


def test_up_to_two_tags_do_not_matter(stage: Stage) -> None:
    for family in FAMILIES:
        inner = network("web", "db", family) / tcp()
        forbidden = network("web", "db", family) / tcp(1)
        for tags in (Dot1Q(vlan=0), Dot1Q(vlan=5), Dot1AD(vlan=5) / Dot1Q(vlan=6)):
            assert stage.show(ether("web") / tags / inner, "web").said == "PASS"
            assert stage.show(ether("web") / tags / forbidden, "web").said == "NO_RULE"


def test_three_tags_are_too_many(stage: Stage) -> None:
    tags = Dot1AD(vlan=5) / Dot1Q(vlan=6) / Dot1Q(vlan=7)
    assert stage.show(ether("web") / tags / network("web", "db", "ipv4") / tcp(), "web").said == "ETHERTYPE"


@pytest.mark.parametrize("ethertype", [0x88CC, 0x8847, 0x8863, 0x0842, 0x0000])
def test_other_protocols_on_ethernet_are_dropped(stage: Stage, ethertype: int) -> None:
    frame = Ether(src=_SENDER, dst=_HOST, type=ethertype) / Raw(bytes(40))
    assert stage.show(frame, "web").said == "ETHERTYPE"


def test_frames_with_a_length_instead_of_a_protocol_are_dropped(stage: Stage) -> None:
    frame = bytes.fromhex("0180c2000000") + bytes.fromhex("020000000002") + b"\x00\x26" + bytes(LLC()) + bytes(40)
    assert stage.show(frame, "web").said == "ETHERTYPE"


RESERVED = [f"01:80:c2:00:00:{last:02x}" for last in range(16)]


@pytest.mark.parametrize("mac", RESERVED)
def test_frames_that_a_bridge_hands_to_the_host_past_itself_are_dropped(stage: Stage, mac: str) -> None:
    """Whatever is in them: an allowed packet, the sender's own ARP, and what such addresses are for. Also when packets
    like it are known."""
    for family in FAMILIES:
        allowed = packet("web", "db", family, tcp())
        assert stage.show(allowed, "web").said == "PASS"
        for tags in (None, Dot1Q(vlan=5)):
            frame = ether("web") / tags / allowed.payload.copy() if tags else allowed.copy()
            frame.dst = mac
            assert stage.show(frame, "web").said == "MULTICAST"
    arp = ether("web") / ARP(op=1, hwsrc=_SENDER, psrc=ADDRESSES["web"][0], pdst=ADDRESSES["db"][0])
    assert stage.show(arp, "web").said == "PASS"
    arp.dst = mac
    assert stage.show(arp, "web").said == "MULTICAST"
    for ethertype in (0x88CC, 0x888E, 0x8808, 0x8809):
        assert stage.show(Ether(src=_SENDER, dst=mac, type=ethertype) / Raw(bytes(46)), "web").said == "ETHERTYPE"


@pytest.mark.parametrize("mac", ["01:80:c2:00:00:10", "01:80:c2:00:01:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"])
def test_other_addresses_of_groups_do_not_matter(stage: Stage, mac: str) -> None:
    frame = packet("web", "db", "ipv4", tcp())
    frame.dst = mac
    assert stage.show(frame, "web").said == "PASS"


def test_without_ethernet_the_first_bits_say_what_it_is(stage: Stage) -> None:
    """A device of layer 3 has no ARP; and an Ethernet header in front is no IP."""
    whole = packet("lan", "db", "ipv4", tcp())
    assert stage.show(whole, "tun").said == "ETHERTYPE"
    for version in (0, 1, 5, 7, 15):
        assert stage.show(bytes((version << 4,)) + bytes(40), "tun").said == "ETHERTYPE"
    # and the other way round
    assert not stage.show(packet("web", "db", "ipv4", tcp(), bare=True), "web").passed


_SOURCE_ROUTE = b"\x83\x07\x04\x0a\x14\x00\x03"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (b"\x01" * 3, "PASS"),
        (b"\x94\x04\x00\x00", "PASS"),  # router alert
        (b"\x07\x07\x04\x00\x00\x00\x00", "PASS"),  # record route
        (b"\x44\x08\x05\x00\x00\x00\x00\x00", "PASS"),  # timestamp
        (b"\x01" * 39, "PASS"),
        (_SOURCE_ROUTE, "OPTIONS"),
        (b"\x89" + _SOURCE_ROUTE[1:], "OPTIONS"),  # a strict one
        (b"\x01" + _SOURCE_ROUTE, "OPTIONS"),
        (b"\x01" * 33 + _SOURCE_ROUTE, "OPTIONS"),
        (b"\x86\x0b" + bytes(9), "OPTIONS"),  # CIPSO
        (b"\x94\x01\x00\x00", "HEADER"),  # shorter than itself
        (b"\x94\x09\x00\x00", "HEADER"),  # longer than the header
        (b"\x01" * 3 + b"\x94", "HEADER"),  # without its length
        (b"\x00" + _SOURCE_ROUTE, "PASS"),  # behind the end of the list is padding
    ],
)
def test_options_of_ipv4_pass_if_they_do_not_lead_elsewhere(stage: Stage, options: bytes, said: str) -> None:
    options += bytes(-len(options) & 3)
    size = 20 + len(options)
    ip = bytes(IP(src="10.20.0.2", dst="10.20.0.3", ihl=size // 4, proto=6, len=size + 20))[:20]
    frame = Ether(src=_SENDER, dst=_HOST, type=0x0800) / Raw(ip + options + bytes(tcp()))
    assert stage.show(frame, "web").said == said


def _behind(*headers: Packet) -> Packet:
    found: Packet = IPv6(src="fd00:20::2", dst="fd00:20::3")
    for header in headers:
        found = found / header
    return ether("web") / (found / tcp())


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ((IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0\0")]),), "PASS"),
        ((IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(30))]),), "PASS"),
        ((IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrFragment(id=3)), "PASS"),
        ((IPv6ExtHdrRouting(segleft=0),), "PASS"),
        ((IPv6ExtHdrRouting(addresses=["fd00:30::2"], segleft=1),), "OPTIONS"),
        ((IPv6ExtHdrRouting(type=4, addresses=["fd00:30::2"], segleft=1),), "OPTIONS"),
        ((IPv6ExtHdrDestOpt(), IPv6ExtHdrHopByHop()), "OPTIONS"),
        ((IPv6ExtHdrDestOpt(),) * 6, "PASS"),
        ((IPv6ExtHdrDestOpt(),) * 7, "OPTIONS"),
        ((IPv6ExtHdrFragment(id=3), IPv6ExtHdrFragment(id=4)), "HEADER"),
        ((AH(nh=6, payloadlen=4, spi=1, seq=1, icv=bytes(12)),), "PASS"),
    ],
)
def test_extension_headers_of_ipv6_pass_if_they_do_not_lead_elsewhere(
    stage: Stage, headers: tuple[Packet, ...], said: str
) -> None:
    assert stage.show(_behind(*headers), "web").said == said


@pytest.mark.parametrize("number", [135, 139, 140, 253, 254])
def test_extension_headers_that_nobody_here_knows_are_dropped(stage: Stage, number: int) -> None:
    ip = IPv6(src="fd00:20::2", dst="fd00:20::3", nh=number)
    assert stage.show(ether("web") / ip / Raw(bytes(40)), "web").said == "OPTIONS"


def test_a_header_that_reaches_beyond_the_packet_is_cut_short(stage: Stage) -> None:
    long = IPv6ExtHdrDestOpt(len=200, nh=6) / tcp()
    ip = IPv6(src="fd00:20::2", dst="fd00:20::3", nh=60)
    assert stage.show(ether("web") / ip / long, "web").said == "TRUNCATED"


@pytest.mark.fault("F46")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"version": 5}, "HEADER"),
        ({"version": 6}, "HEADER"),
        ({"ihl": 4}, "HEADER"),
        ({"ihl": 15}, "HEADER"),  # longer than the packet says it is
        ({"len": 0}, "HEADER"),
        ({"len": 19}, "HEADER"),
        ({"len": 20}, "TRUNCATED"),  # no room for ports
        ({"len": 39}, "TRUNCATED"),
        ({"len": 41}, "TRUNCATED"),  # more than there is
        ({"len": 65535}, "TRUNCATED"),
    ],
)
def test_a_header_of_ipv4_that_contradicts_itself_is_dropped(stage: Stage, fields: dict[str, int], said: str) -> None:
    assert stage.show(packet("web", "db", "ipv4", tcp(), **fields), "web").said == said


@pytest.mark.fault("F46")
@pytest.mark.parametrize(
    ("fields", "said"),
    [({"version": 4}, "HEADER"), ({"plen": 0}, "TRUNCATED"), ({"plen": 19}, "TRUNCATED"), ({"plen": 21}, "TRUNCATED")],
)
def test_a_header_of_ipv6_that_contradicts_itself_is_dropped(stage: Stage, fields: dict[str, int], said: str) -> None:
    assert stage.show(packet("web", "db", "ipv6", tcp(), **fields), "web").said == said


@both
def test_padding_behind_the_packet_is_not_of_it(stage: Stage, family: str) -> None:
    """Ports in there would be read by nobody."""
    whole = bytes(packet("web", "db", family, tcp()))
    assert stage.show(whole + bytes(20), "web").said == "PASS"
    short = bytes(packet("web", "db", family, Raw(b""), **({"nh": 17} if family == "ipv6" else {"proto": 17})))
    assert stage.show(short + bytes(packet("web", "db", family, tcp()))[-20:], "web").said == "TRUNCATED"


_MARTIANS = {
    "ipv4": ("127.0.0.1", "0.0.0.0", "0.1.2.3", "240.0.0.1"),  # noqa: S104  # no sockets
    "ipv6": ("::", "::1", "::ffff:10.20.0.2", "::10.20.0.2", "fe80::2", "febf::2"),
}


@pytest.mark.parametrize(("family", "nowhere"), [(family, found) for family in FAMILIES for found in _MARTIANS[family]])
def test_addresses_that_nobody_has_are_neither_source_nor_destination(stage: Stage, family: str, nowhere: str) -> None:
    assert stage.show(packet(nowhere, "db", family, tcp()), "web").said == "MARTIAN"
    assert stage.show(packet("web", nowhere, family, tcp()), "web").said == "MARTIAN"


@pytest.mark.parametrize("group", ["224.0.0.1", "255.255.255.255", "ff02::1"])
def test_a_group_sends_nothing(stage: Stage, group: str) -> None:
    family = "ipv6" if ":" in group else "ipv4"
    assert stage.show(packet(group, "db", family, tcp()), "web").said == "MARTIAN"
