# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A port that nobody polices, of a bridge whose ports are policed: it was plugged in a moment ago, and nobody saw it.

This machine's bridges know no VLANs, so that the programs alone keep it closed.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police, way
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import EGRESS
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORT, TUNNEL
from tests.integration.bpf.hooked import take_out
from tests.integration.bpf.hosts import Neighbour
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.place import FIRST, ether, packet, tcp, udp
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import REASON_NAMES
from tests.integration.bpf.test_ports import BRIEFLY, Bridge, comes

both = pytest.mark.parametrize("family", FAMILIES)
GROUP = {"ipv4": "224.0.0.251", "ipv6": "ff02::fb"}


class Switch(Bridge):
    """db is policed and bound, web is a port that nobody polices. far: the other end of a third port."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.police("db")
        self.bind("db")
        self.far = Neighbour("far")

    def denied(self, reason: str = "SOURCE") -> int:
        return sum(found.packets for found in counters(self.folder) if REASON_NAMES[found.reason] == reason)


@pytest.fixture
def switch(site: Site) -> Iterator[Switch]:
    found = Switch(site)
    try:
        yield found
    finally:
        found.far.close()


def frames(family: str, to: str) -> dict[bytes, Packet]:
    """Whoever it says it is, and whatever it is."""
    asked = IPv6(src="fe80::ff:fe00:2", dst="ff02::1", hlim=255) / ICMPv6ND_NS(tgt=ADDRESSES[to][1])
    found = {
        b"peer": packet("web", to, family, tcp(5432)),
        b"world": packet("spare", to, family, udp(53)),
        b"nobody": packet("world", to, family, udp(53)),
        b"asks": ether("web") / ARP(op=1, psrc=ADDRESSES["web"][0], pdst=ADDRESSES[to][0]),
        b"tells": ether("web") / ARP(op=2, psrc=ADDRESSES["web"][0], pdst=ADDRESSES[to][0]),
        b"solicits": ether("web") / asked,
        b"other": Ether(src=MACS["web"], type=0x88B5),
    }
    for frame in found.values():
        frame.dst = MACS[to]
    return {words: frame / Raw(words * 8) for words, frame in found.items()}


@both
def test_nothing_of_it_leaves_by_a_policed_port(switch: Switch, family: str) -> None:
    with switch.site.web.wire() as near, switch.site.db.wire() as far:
        for words, frame in frames(family, "db").items():
            before = switch.denied()
            near.send(bytes(frame))
            assert not comes(far, words), words
            assert switch.denied() >= before + 1, words
        switch.police("web")
        switch.bind("web")
        near.send(bytes(frames(family, "db")[b"peer"]))
        assert comes(far, b"peer")


@both
def test_nothing_of_it_gets_to_the_host(switch: Switch, family: str) -> None:
    """Not even what the host would answer by itself."""
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    at = family == "ipv6"
    with socket.socket(kind, socket.SOCK_DGRAM) as ears:
        ears.bind((ADDRESSES["host"][at], 8080))
        ears.settimeout(BRIEFLY)
        with switch.site.web.socket(kind, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(b"unjudged", (ADDRESSES["host"][at], 8080))
            with pytest.raises(TimeoutError):
                ears.recv(100)
            assert switch.denied() >= 1
            assert not switch.site.web.connect(family, "host", 8080, BRIEFLY)


@both
def test_it_is_not_heard_from_behind_a_tunnel_that_is_a_port_of_the_bridge(switch: Switch, family: str) -> None:
    """Not routed there either, since it does not come up."""
    police(switch.folder, "far", Policed(50, FIRST, TUNNEL | PORT))
    with switch.site.web.wire() as near, switch.far.wire() as far:
        for words, frame in frames(family, "far").items():
            before = switch.denied()
            near.send(bytes(frame))
            assert not comes(far, words), words
            assert switch.denied() >= before + 1, words


@both
def test_what_the_host_sends_by_the_bridge_leaves_by_its_ports(switch: Switch, family: str) -> None:
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    at = family == "ipv6"
    with switch.site.db.socket(kind, socket.SOCK_DGRAM) as ears:
        ears.bind((ADDRESSES["db"][at], 53))
        ears.settimeout(2)
        with socket.socket(kind, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(b"from the host", (ADDRESSES["db"][at], 53))
        assert ears.recv(100) == b"from the host"


@pytest.mark.usefixtures("switch")
def test_the_host_hears_itself_in_groups() -> None:
    """The kernel gives a copy back to the bridge, as if it had come in there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("", 5353))
        ears.settimeout(2)
        wanted = socket.inet_aton(GROUP["ipv4"]) + socket.inet_aton(ADDRESSES["host"][0])
        ears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wanted)
        # What of it would leave is denied: no policy speaks of groups. So it is let leave.
        take_out("bridge", EGRESS, way())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ADDRESSES["host"][0]))
            mouth.sendto(b"to all", (GROUP["ipv4"], 5353))
        assert ears.recv(100) == b"to all"


@pytest.mark.fault("F44")
@both
def test_a_mark_that_it_came_with_is_gone_before_the_bridge(switch: Switch, family: str) -> None:
    """Namespaces take marks away, so that nobody says of himself that he was judged."""
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    at = family == "ipv6"
    with socket.socket(kind, socket.SOCK_DGRAM) as ears:
        ears.bind((ADDRESSES["host"][at], 8080))
        ears.settimeout(BRIEFLY)
        with switch.site.web.socket(kind, socket.SOCK_DGRAM) as mouth:
            mouth.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", 0xFF000000))
            mouth.sendto(b"marked", (ADDRESSES["host"][at], 8080))
            with pytest.raises(TimeoutError):
                ears.recv(100)


def test_two_ports_that_nobody_polices_have_only_each_other(switch: Switch) -> None:
    """Neither is kept from the other: no hook of ours is on the way."""
    frame = packet("web", "far", "ipv4", udp(53)) / Raw(b"between them")
    frame.dst = MACS["far"]
    with switch.site.web.wire() as near, switch.far.wire() as far:
        near.send(bytes(frame))
        assert comes(far, b"between them")
