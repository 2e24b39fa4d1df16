# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is known to pass between two peers goes straight from one link to the other, where both links say so; everything
else is left to the stack. A firewall that lets nothing through tells the two apart."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police, release
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import pack
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    BOUND,
    FORWARDS,
    LAYER_3,
    PORT,
    PORTS,
    TUNNEL,
)
from tests.integration.bpf.hosts import PATIENCE, Neighbour, until
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.place import ATTACHMENTS, FIRST, maps, network, udp
from tests.integration.bpf.stage import REASON_NAMES, Stage, ip
from tests.integration.bpf.test_flows import grow_old

both = pytest.mark.parametrize("family", FAMILIES)

_TABLE = 119001
_CLOSED = "add table inet closed\nadd chain inet closed forward { type filter hook forward priority 0; policy drop; }\n"
# Longer than a packet takes through the host.
_MOMENT = 0.3


def nft(text: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


def _shown(*words: str) -> str:
    """words: of `ip`, and a family."""
    *command, family = words
    done = subprocess.run(["ip", f"-{family[-1]}", *command], capture_output=True, text=True, check=True)
    return done.stdout


class Road:
    """web and db, each on a link of its own, and the host that routes between them by the table of their network."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        ip("link add name bridge type bridge")
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path(f"/proc/sys/net/{switch}").write_text("1")
        self.ends: dict[str, Neighbour] = {}
        self.wires: dict[str, socket.socket] = {}
        self.macs: dict[str, str] = {}
        for name in ("web", "db"):
            self._add(name)
        for family in ("-4", "-6"):
            ip(f"{family} rule add priority 73 fwmark 0x1000000/0xff000000 lookup {_TABLE}")
        stage.enforce(maps()._replace(attachments=()))
        self.police("web", "db")

    def _add(self, name: str) -> None:
        self.ends[name] = Neighbour(name)
        ip(f"link set {name} nomaster")
        for address, own in zip(ADDRESSES[name], ADDRESSES["host"]):
            length, words = (128, " nodad") if ":" in address else (32, "")
            ip(f"address add {own}/{length} dev {name}{words}")
            for table in ("", f" table {_TABLE}"):
                ip(f"route add {address}/{length} dev {name}{table}")
            ip(f"neighbour replace {address} lladdr {MACS[name]} dev {name} nud permanent")
        self.macs[name] = json.loads(_shown("-j", "link", "show", name, "ipv4"))[0]["address"]
        self.wires[name] = self.ends[name].wire()
        self.wires[name].settimeout(_MOMENT)

    def police(self, *forwarding: str) -> None:
        for name in ("web", "db"):
            flags = FORWARDS if name in forwarding else 0
            police(self.stage.folder, name, Policed(ATTACHMENTS[name], FIRST, flags))

    def close(self) -> None:
        for name, end in self.ends.items():
            self.wires[name].close()
            end.close()

    def send(self, family: str, what: Packet | None = None, to: str = "db", **fields: object) -> None:
        inner = network("web", to, family, **fields) / (what or udp())
        self.wires["web"].send(bytes(Ether(src=MACS["web"], dst=self.macs["web"]) / inner))

    def came(self, name: str, family: str, kind: type[Packet]) -> list[Packet]:
        """What of this kind comes to a neighbour from the host, until nothing has come for a moment."""
        found, end = [], time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                packet = Ether(self.wires[name].recv(65536))
            except TimeoutError:
                return found
            if packet.src == self.macs[name] and (IPv6 if family == "ipv6" else IP) in packet and kind in packet:
                found.append(packet)
        raise AssertionError("it never ends")

    def make_known(self, family: str) -> None:
        """The third of a flow is."""
        for _packet in range(2):
            self.send(family)
        assert len(self.came("db", family, UDP)) == 2

    def reasons(self) -> set[str]:
        return {REASON_NAMES[found.reason] for found in counters(self.stage.folder)}


@pytest.fixture
def road(empty: Stage) -> Iterator[Road]:
    found = Road(empty)
    try:
        yield found
    finally:
        found.close()


@both
def test_what_is_known_goes_past_the_firewall_and_loses_a_hop(road: Road, family: str) -> None:
    nft(_CLOSED)
    for _packet in range(2):
        road.send(family)
    assert road.came("db", family, UDP) == []
    for _packet in range(4):
        road.send(family)
    found = road.came("db", family, UDP)
    # One of them may have had to ask for the way again, after a second.
    assert len(found) in (3, 4)
    packet = found[-1]
    assert (packet.src, packet.dst) == (road.macs["db"], MACS["db"])
    inner = packet[IPv6 if family == "ipv6" else IP]
    assert (inner.src, inner.hlim if family == "ipv6" else inner.ttl) == (ADDRESSES["web"][family == "ipv6"], 63)
    if family == "ipv4":
        right = inner.copy()
        del right.chksum
        assert IP(bytes(right)).chksum == inner.chksum


def test_checksums_are_right_whatever_they_were(road: Road) -> None:
    """All that carry over, and many that do not: one's complement has two zeros."""
    road.make_known("ipv4")
    (first,) = struct.unpack_from("!H", bytes(network("web", "db", "ipv4", id=0) / udp()), 10)
    wanted = (*range(300), *range(0xFE00, 0xFFFF))
    found = []
    for start in range(0, len(wanted), 100):
        for checksum in wanted[start : start + 100]:
            road.send("ipv4", id=(first - checksum) % 0xFFFF)
        found += road.came("db", "ipv4", UDP)
    assert len(found) == len(wanted)
    for packet in found:
        right = packet[IP].copy()
        del right.chksum
        assert IP(bytes(right)).chksum == packet[IP].chksum


@both
@pytest.mark.parametrize("forwarding", [(), ("web",), ("db",)])
def test_both_links_have_to_say_so(road: Road, family: str, forwarding: tuple[str, ...]) -> None:
    nft(_CLOSED)
    road.police(*forwarding)
    for _packet in range(4):
        road.send(family)
    assert road.came("db", family, UDP) == []
    nft("delete table inet closed\n")
    road.send(family)
    assert len(road.came("db", family, UDP)) == 1


@both
@pytest.mark.parametrize("flag", [LAYER_3, BOUND, PORTS, PORT])
def test_links_that_cannot_pass_packets_back_that_way_get_none(road: Road, family: str, flag: int) -> None:
    nft(_CLOSED)
    police(road.stage.folder, "db", Policed(ATTACHMENTS["db"], FIRST, FORWARDS | flag))
    for _packet in range(4):
        road.send(family)
    assert road.came("db", family, UDP) == []


@both
@pytest.mark.parametrize("flag", [0, TUNNEL])
def test_what_leaves_by_a_tunnel_leaves_without_our_mark_here_too(road: Road, family: str, flag: int) -> None:
    """With it, the tunnel would look for its way in the network's table, where there is none."""
    address, length = ADDRESSES["db"][family == "ipv6"], 128 if family == "ipv6" else 32
    release(road.stage.folder, "db")
    ip("address add 192.0.2.1/30 dev db")
    ip(f"neighbour replace 192.0.2.2 lladdr {MACS['db']} dev db nud permanent")
    ip(f"route add unreachable 192.0.2.0/24 table {_TABLE}")
    ip("link add tunnel type vxlan id 7 local 192.0.2.1 remote 192.0.2.2 dstport 4789")
    ip("link set tunnel up")
    ip(f"neighbour replace {address} lladdr {MACS['db']} dev tunnel nud permanent")
    ip(f"route replace {address}/{length} dev tunnel table {_TABLE}")
    police(road.stage.folder, "tunnel", Policed(ATTACHMENTS["db"], FIRST, FORWARDS | flag))
    nft(_CLOSED)
    for _packet in range(5):
        road.send(family)
    carried = [packet[VXLAN] for packet in road.came("db", "ipv4", UDP) if VXLAN in packet]
    kind = IPv6 if family == "ipv6" else IP
    # The host itself sends something too, when a link comes up.
    found = [packet for packet in carried if kind in packet and packet[kind].dst == address]
    # One of them may have had to ask for the way again, after a second.
    assert len(found) in ((2, 3) if flag else (0,))


@both
def test_a_withdrawn_policy_ends_it_with_the_next_packet(road: Road, family: str) -> None:
    road.make_known(family)
    road.send(family)
    assert len(road.came("db", family, UDP)) == 1
    road.stage.enforce_tables(pack(maps()._replace(attachments=(), verdicts=())))
    road.send(family)
    assert road.came("db", family, UDP) == []
    assert road.reasons() == {"NO_RULE"}


@both
def test_the_last_hop_is_the_stacks_business(road: Road, family: str) -> None:
    road.make_known(family)
    road.send(family, **{"hlim" if family == "ipv6" else "ttl": 1})
    kind = ICMPv6TimeExceeded if family == "ipv6" else ICMP
    assert [packet[kind].type for packet in road.came("web", family, kind)] == [3 if family == "ipv6" else 11]


@both
def test_what_is_too_large_for_the_next_link_is_the_stacks_business(road: Road, family: str) -> None:
    ip("link set db mtu 1300")
    road.make_known(family)
    road.send(family, udp() / Raw(bytes(1200)))
    assert len(road.came("db", family, UDP)) == 1
    road.send(family, udp() / Raw(bytes(1272)), **({} if family == "ipv6" else {"flags": "DF"}))
    kind = ICMPv6PacketTooBig if family == "ipv6" else ICMP
    found = road.came("web", family, kind)
    assert [packet[kind].mtu if family == "ipv6" else packet[kind].nexthopmtu for packet in found] == [1300]


@both
def test_a_route_that_is_gone_counts_when_the_note_is_a_second_old(road: Road, family: str) -> None:
    nft(_CLOSED)
    for _packet in range(3):
        road.send(family)
    assert len(road.came("db", family, UDP)) == 1
    length = 128 if family == "ipv6" else 32
    address = ADDRESSES["db"][family == "ipv6"]
    ip(f"route del {address}/{length} dev db table {_TABLE}")
    ip(f"route add unreachable {address}/{length} table {_TABLE}")
    nft("delete table inet closed\n")
    grow_old(road.stage, 2)
    road.send(family)
    road.send(family)
    assert road.came("db", family, UDP) == []
    kind = ICMPv6DestUnreach if family == "ipv6" else ICMP
    assert {packet[kind].type for packet in road.came("web", family, kind)} == {1 if family == "ipv6" else 3}


@both
def test_what_the_host_has_itself_is_not_passed_on(road: Road, family: str) -> None:
    length, words = (128, " nodad") if family == "ipv6" else (32, "")
    address = ADDRESSES["db"][family == "ipv6"]
    ip(f"address add {address}/{length} dev lo{words}")
    # IPv6 is in no hurry.
    until(lambda: f"local {address} " in _shown("route", "show", "table", "local", family), "the address is not there")
    for _packet in range(4):
        road.send(family)
    assert road.came("db", family, UDP) == []


@both
def test_who_is_no_peer_is_reached_by_the_stack(road: Road, family: str) -> None:
    """There may be an address to be translated."""
    address = ADDRESSES["world"][family == "ipv6"]
    gateway = ADDRESSES["db"][family == "ipv6"]
    for table in ("", f" table {_TABLE}"):
        ip(f"route add {address} via {gateway} dev db onlink{table}")
    nft(_CLOSED)
    for _packet in range(4):
        road.send(family, udp(443), to="world")
    assert road.came("db", family, UDP) == []
    nft("delete table inet closed\n")
    road.send(family, udp(443), to="world")
    assert len(road.came("db", family, UDP)) == 1


def test_options_are_the_stacks_business(road: Road) -> None:
    road.make_known("ipv4")
    nft(_CLOSED)
    for options in ([], [], [IPOption_Router_Alert()], []):
        road.send("ipv4", options=options)
    found = road.came("db", "ipv4", UDP)
    # The first may have had to ask for the way again, after a second.
    assert len(found) in (2, 3)
    assert all(packet[IP].options == [] for packet in found)


@both
def test_frames_for_others_are_not_passed_on(road: Road, family: str) -> None:
    road.make_known(family)
    frame = Ether(src=MACS["web"], dst="02:00:00:00:00:77") / network("web", "db", family) / udp()
    road.wires["web"].send(bytes(frame))
    assert road.came("db", family, UDP) == []
