# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Real packets, over a bridge's ports (layer 2) and a tunnel (layer 3)."""

from __future__ import annotations

import socket
import time

import pytest
from scapy.layers.inet import UDP
from scapy.layers.l2 import ARP, Dot1Q
from scapy.packet import Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import release
from tests.integration.bpf.hosts import until
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import ether, maps, network, packet, tcp, udp
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import OBJECTS, ip

both = pytest.mark.parametrize("family", FAMILIES)

# How long a packet that must not come is waited for; one that may come is there at once.
BRIEFLY = 0.5


@both
def test_a_connection_comes_about_where_a_rule_allows_it(site: Site, family: str) -> None:
    """With all of ARP, neighbour discovery and answers that this takes."""
    with site.db.listen(family, 5432), site.db.listen(family, 5433):
        assert site.web.connect(family, "db", 5433, BRIEFLY)
        for neighbour in (site.web, site.db):
            neighbour.run("ip", "neigh", "flush", "all")
        site.police()
        assert site.web.connect(family, "db", 5432, 5)
        assert not site.web.connect(family, "db", 5433, BRIEFLY)
        assert "NO_RULE" in site.reasons()
        for name in ("web", "db", "tun"):
            release(site.stage.folder, name)
        assert site.web.connect(family, "db", 5433, BRIEFLY)


@pytest.mark.fault("F39")
@both
def test_a_withdrawn_rule_ends_a_connection_that_lasts(site: Site, family: str) -> None:
    site.police()
    with (
        site.db.listen(family, 5432) as door,
        site.web.socket(socket.AF_INET6 if family == "ipv6" else socket.AF_INET, socket.SOCK_STREAM) as near,
    ):
        near.connect((ADDRESSES["db"][family == "ipv6"], 5432))
        far, _who = door.accept()
        with far:
            far.settimeout(BRIEFLY)
            near.send(b"before")
            assert far.recv(100) == b"before"
            site.stage.enforce_tables(site.stage.enforce(maps()._replace(verdicts=(), attachments=())))
            near.send(b"after")
            with pytest.raises(TimeoutError):
                far.recv(100)


@both
def test_what_comes_out_of_a_tunnel_is_judged_without_an_ethernet_header(site: Site, family: str) -> None:
    site.police()
    protocol = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    with site.db.socket(protocol, socket.SOCK_DGRAM) as door, site.db.socket(protocol, socket.SOCK_DGRAM) as other:
        door.bind((ADDRESSES["db"][family == "ipv6"], 53))
        other.bind((ADDRESSES["db"][family == "ipv6"], 54))
        site.tunnel.send(bytes(packet("lan", "db", family, udp(54), bare=True)))
        site.tunnel.send(bytes(packet("hole", "db", family, udp(53), bare=True)))
        site.tunnel.send(bytes(packet("lan", "db", family, udp(53), bare=True)))
        question, who = door.recvfrom(100)
        assert (question, who[:2]) == (b"question", (ADDRESSES["lan"][family == "ipv6"], 40000))
        other.settimeout(BRIEFLY)
        with pytest.raises(TimeoutError):
            other.recv(100)
        assert {"NO_RULE", "SOURCE"} <= site.reasons()
        # and the answer goes back there
        door.sendto(b"answer", who)
        assert b"answer" in site.tunnel.receive(lambda raw: raw.endswith(b"answer"))


@both
def test_it_does_not_matter_how_a_packet_lies_in_memory(site: Site, family: str) -> None:
    """In one piece, or the headers in several."""
    site.police()
    ip("link set tun mtu 9000")
    head = 40 if family == "ipv6" else 20
    for linear in (0, 1, 2, head - 1, head, head + 1, head + 4, head + 7, head + 8, head + 100):
        for port, said in ((53, set()), (54, {"NO_RULE"})):
            site.stage.forget()
            large = network("lan", "db", family) / UDP(sport=40000, dport=port) / Raw(bytes(5000))
            site.tunnel.send(bytes(large), linear)
            until(lambda: _reasons(site) or site.stage.flows(), f"{linear}: not seen")
            assert (_reasons(site), site.stage.flows()) == (said, 0 if said else 1), linear


def _reasons(site: Site) -> set[str]:
    """Without what the kernel itself says to groups on a device that has changed; it comes when it likes."""
    return set(site.reasons()) - {"MULTICAST"}


def test_packets_of_a_few_bytes_are_dropped(site: Site) -> None:
    site.police()
    for family, first in (("ipv4", b"\x45"), ("ipv6", b"\x60")):
        whole = bytes(packet("lan", "db", family, udp(), bare=True))
        for size in range(1, 20):
            site.stage.forget()
            site.tunnel.send(first + whole[1:size])
            until(lambda: _reasons(site), f"{family}, {size} bytes: not seen")
            assert _reasons(site) == {"TRUNCATED"}


def test_frames_that_are_only_a_header_are_dropped(site: Site) -> None:
    site.police()
    with site.web.wire() as wire:
        for size in range(14, 34):
            site.stage.forget()
            wire.send(bytes(packet("web", "db", "ipv4", tcp()))[:size])
            until(lambda: "TRUNCATED" in site.reasons(), f"{size} bytes: not seen")


def test_a_tag_that_the_kernel_keeps_beside_the_packet_is_counted(site: Site) -> None:
    """It takes the outer one out of the frame before any program sees it."""
    site.police()
    inner = network("web", "db", "ipv4") / udp()
    with site.web.wire() as wire, site.db.wire() as other:
        other.settimeout(BRIEFLY)
        for tags, passes in ((1, True), (2, True), (3, False)):
            frame = ether("web")
            frame.dst = "02:00:00:00:00:03"
            for number in range(tags):
                frame = frame / Dot1Q(vlan=number + 1)
            site.stage.forget()
            wire.send(bytes(frame / inner))
            assert _comes(other, b"question") == passes, tags
            assert ("ETHERTYPE" in site.reasons()) != passes


def test_nobody_takes_the_address_of_another(site: Site) -> None:
    site.police()
    claim = ether("web") / ARP(op=2, psrc=ADDRESSES["host"][0], pdst=ADDRESSES["db"][0], hwsrc="02:00:00:00:00:02")
    claim.dst = "02:00:00:00:00:03"
    with site.web.wire() as wire, site.db.wire() as other:
        other.settimeout(BRIEFLY)
        wire.send(bytes(claim / Raw(b"forged")))
        assert not _comes(other, b"forged")
    assert "NEIGHBOUR" in site.reasons()


def _comes(wire: socket.socket, words: bytes) -> bool:
    end = time.monotonic() + BRIEFLY
    while time.monotonic() < end:
        try:
            if words in wire.recv(2000):
                return True
        except TimeoutError:
            return False
    return False


@both
def test_the_host_is_asked_by_whom_a_rule_allows(site: Site, family: str) -> None:
    """web may ask the world, and the host is no peer; lan may not."""
    site.police()
    protocol = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    host = ADDRESSES["host"][family == "ipv6"]
    with socket.socket(protocol, socket.SOCK_STREAM) as door:
        door.bind((host, 8080))
        door.listen()
        assert site.web.connect(family, "host", 8080, 5)
        assert not site.db.connect(family, "host", 8080, BRIEFLY)


@both
def test_what_the_host_sends_is_judged_where_it_leaves(site: Site, family: str) -> None:
    site.police()
    protocol = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    with site.web.listen(family, 80), site.web.listen(family, 81):
        for port, comes in ((80, True), (81, False)):
            with socket.socket(protocol, socket.SOCK_STREAM) as near:
                near.settimeout(BRIEFLY if not comes else 5)
                try:
                    near.connect((ADDRESSES["web"][family == "ipv6"], port))
                    assert comes, port
                except (TimeoutError, PermissionError):
                    # a packet that its own host drops on the way out may be told at once
                    assert not comes, port


@both
def test_programs_are_replaced_while_packets_pass(site: Site, family: str) -> None:
    site.police()
    with site.db.listen(family, 5432):
        for _turn in range(3):
            objects.load(site.stage.folder, OBJECTS)
            site.police()
            assert site.web.connect(family, "db", 5432, 5)
            assert not site.web.connect(family, "db", 5433, BRIEFLY)
