# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nothing fails open: what is cut short, changed or made up passes only where a rule says so, and a plain reading of
it, elsewhere, says the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Dot1Q
from scapy.packet import Packet, Raw

from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import KINDS, echo, ether, network, packet, query, sctp, tcp, udp
from tests.integration.bpf.reading import allowed
from tests.integration.bpf.stage import Stage

# What BPF_PROG_TEST_RUN takes at least: something behind an Ethernet header, and all of the IP header if it says so.
# Behind a tag, and on a device of layer 3, there may be less; test_devices.py sends the rest.
_LEAST = {0x0800: 34, 0x86DD: 54}
SHORTEST = 15


def shortest(frame: bytes) -> int:
    return _LEAST.get(int.from_bytes(frame[12:14], "big"), SHORTEST)


FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
MANY = settings(max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _shapes(family: str) -> list[Packet]:
    """Packets that pass, of every shape."""
    ip = network("web", "db", family)
    shapes = [ether("web") / ip / query(family, kind) for kind in KINDS]
    shapes.append(ether("web") / Dot1Q(vlan=1) / Dot1Q(vlan=2) / ip / tcp())
    if family == "ipv6":
        chain = IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrFragment(id=7) / udp()
        shapes.append(ether("web") / ip / chain)
        near = IPv6(src=ADDRESSES["web"][1], dst=ADDRESSES["db"][1], hlim=255)
        shapes += [ether("web") / near / ICMPv6ND_NS(tgt=ADDRESSES["db"][1])]
        shapes += [ether("web") / near / ICMPv6ND_NA(tgt=ADDRESSES["web"][1])]
    else:
        shapes.append(packet("web", "db", "ipv4", tcp(), ihl=5))
        shapes.append(ether("web") / ARP(op=1, psrc=ADDRESSES["web"][0], pdst=ADDRESSES["db"][0]))
    return shapes


@pytest.mark.fault("F46")
@pytest.mark.parametrize("family", FAMILIES)
def test_no_packet_that_is_cut_short_passes(stage: Stage, family: str) -> None:
    """At every byte."""
    for shape in _shapes(family):
        bare = bytes(shape)
        for whole in (bare, bare[:12] + b"\x81\x00\x00\x05" + bare[12:]):
            if whole[12:18] == b"\x81\x00\x00\x05\x81\x00":
                continue  # one tag too many
            assert stage.show(whole, "web").said == "PASS", shape
            for size in range(shortest(whole), len(whole)):
                assert stage.show(whole[:size], "web").said == "TRUNCATED", (shape, size)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_bare_packet_that_is_cut_short_passes(stage: Stage, family: str) -> None:
    for kind in KINDS:
        whole = bytes(packet("lan", "db", family, query(family, kind), bare=True))
        assert stage.show(whole, "tun").said == "PASS"
        for size in range(SHORTEST, len(whole)):
            assert stage.show(whole[:size], "tun").said == "TRUNCATED", (kind, size)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_error_whose_quotation_is_cut_short_passes(stage: Stage, family: str) -> None:
    stage.show(packet("web", "db", family, udp()), "web")
    quoted = bytes(network("web", "db", family) / udp())
    message = ICMPv6DestUnreach() if family == "ipv6" else ICMP(type=3)
    least = (40 if family == "ipv6" else 20) + 8
    for size in range(len(quoted)):
        found = stage.show(packet("db", "web", family, message / Raw(quoted[:size])), "db")
        assert found.said == ("PASS" if size >= least else "NO_RULE"), size


def _frames() -> st.SearchStrategy[bytes]:
    """Frames that begin well, and then do not."""
    names = st.sampled_from(["web", "db", "lan", "far", "spare", "world", "host"])
    whats = st.sampled_from([tcp(), tcp(22), tcp(23), udp(), sctp(), echo("ipv4"), echo("ipv6"), Raw(b"")])

    def frame(source: str, destination: str, family: str, what: Packet) -> bytes:
        return bytes(packet(source, destination, family, what))

    return st.builds(frame, names, names, st.sampled_from(FAMILIES), whats)


@st.composite
def _changed(draw: st.DrawFn) -> bytes:
    """A frame of which some bytes are others, and perhaps some are missing, or too many."""
    frame = bytearray(draw(_frames()))
    for _byte in range(draw(st.integers(0, 4))):
        frame[draw(st.integers(12, len(frame) - 1))] = draw(st.integers(0, 255))
    size = draw(st.integers(SHORTEST, len(frame)) | st.just(len(frame)))
    found = bytes(frame[:size]) + draw(st.binary(max_size=40))
    return found.ljust(shortest(found), b"\0")


@MANY
@given(frame=_changed())
def test_what_passes_is_what_a_plain_reading_of_it_allows(stage: Stage, frame: bytes) -> None:
    stage.forget()
    found = stage.show(frame, "web")
    assert found.passed == allowed(frame), found.said


@pytest.mark.fault("F46")
@FEW
@given(frame=st.binary(min_size=SHORTEST, max_size=300))
def test_noise_does_not_pass(stage: Stage, frame: bytes) -> None:
    stage.forget()
    frame = frame.ljust(shortest(frame), b"\0")
    for link in ("web", "tun"):
        assert not stage.show(frame, link).passed
