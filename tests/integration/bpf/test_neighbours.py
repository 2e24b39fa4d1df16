# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ARP and neighbour discovery tell only of addresses of their sender; of what is for everybody, only what a link
needs passes."""

from __future__ import annotations

import pytest
from scapy.layers.igmp import IGMP
from scapy.layers.inet import UDP
from scapy.layers.inet6 import (
    ICMPv6MLDMultAddrRec,
    ICMPv6MLDone,
    ICMPv6MLQuery,
    ICMPv6MLReport,
    ICMPv6MLReport2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_Redirect,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Dot1Q
from scapy.packet import Packet, Raw

from tests.integration.bpf.place import ADDRESSES, MACS, address, ether, packet, udp
from tests.integration.bpf.stage import Stage

# What web's MAC makes, and what somebody else's does.
OWN, OTHERS = "fe80::ff:fe00:2", "fe80::ff:fe00:3"


def arp(source: str, target: str, operation: int = 1, sender: str = "web", **fields: object) -> Packet:
    ends = {"psrc": address(source, "ipv4"), "pdst": address(target, "ipv4")}
    return ether(sender) / ARP(op=operation, hwsrc=MACS[sender], **{**ends, **fields})


def discovery(source: str, message: Packet, destination: str = "ff02::1", hops: int = 255) -> Packet:
    ip = IPv6(src=address(source, "ipv6"), dst=address(destination, "ipv6"), hlim=hops)
    return ether("web") / ip / message


@pytest.mark.fault("F49")
@pytest.mark.parametrize("operation", [1, 2])
def test_who_lives_on_a_link_says_so(stage: Stage, operation: int) -> None:
    assert stage.show(arp("web", "db", operation), "web").said == "PASS"
    assert stage.show(arp("web", "web", operation), "web").said == "PASS"
    for another in ("db", "host", "spare", "far", "world", "127.0.0.1"):
        assert stage.show(arp(another, "db", operation), "web").said == "NEIGHBOUR"


def test_who_looks_for_a_free_address_has_none(stage: Stage) -> None:
    assert stage.show(arp("0.0.0.0", "web"), "web").said == "PASS"  # noqa: S104  # no socket
    assert stage.show(arp("0.0.0.0", "web", 2), "web").said == "NEIGHBOUR"  # noqa: S104


def test_arp_within_a_vlan_is_no_exception(stage: Stage) -> None:
    frame = ether("web") / Dot1Q(vlan=3) / ARP(op=1, psrc=ADDRESSES["db"][0], pdst=ADDRESSES["host"][0])
    assert stage.show(frame, "web").said == "NEIGHBOUR"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"operation": 0}, "NEIGHBOUR"),
        ({"operation": 3}, "NEIGHBOUR"),
        ({"hwtype": 6}, "ETHERTYPE"),
        ({"ptype": 0x86DD}, "ETHERTYPE"),
        ({"hwlen": 8}, "ETHERTYPE"),
        ({"plen": 16}, "ETHERTYPE"),
    ],
)
def test_other_kinds_of_arp_are_dropped(stage: Stage, fields: dict[str, int], said: str) -> None:
    assert stage.show(arp("web", "db", **fields), "web").said == said


def test_arp_that_is_cut_short_is_dropped(stage: Stage) -> None:
    whole = bytes(arp("web", "db"))
    for size in range(14, 42):
        assert stage.show(whole[:size], "web").said == "TRUNCATED"


def test_neighbours_ask_with_an_address_of_their_own(stage: Stage) -> None:
    for target in ("db", "host", OTHERS):
        ask = ICMPv6ND_NS(tgt=address(target, "ipv6"))
        for source in ("web", OWN):
            assert stage.show(discovery(source, ask), "web").said == "PASS"
        for source in ("db", "host", "far", OTHERS, "fe80::1"):
            assert stage.show(discovery(source, ask), "web").said == "NEIGHBOUR"


@pytest.mark.fault("F49")
def test_neighbours_answer_for_themselves_only(stage: Stage) -> None:
    for target in ("web", OWN):
        tell = ICMPv6ND_NA(tgt=address(target, "ipv6")) / ICMPv6NDOptDstLLAddr(lladdr=MACS["web"])
        for source in ("web", OWN):
            assert stage.show(discovery(source, tell), "web").said == "PASS"
            assert stage.show(discovery(source, tell, destination="db"), "web").said == "PASS"
    for target in ("db", "host", "far", OTHERS, "fe80::1", "ff02::1"):
        tell = ICMPv6ND_NA(tgt=address(target, "ipv6"))
        assert stage.show(discovery("web", tell), "web").said == "NEIGHBOUR"
        assert stage.show(discovery("web", tell, destination="db"), "web").said == "NEIGHBOUR"


def test_who_looks_for_a_free_address_wants_one_of_its_own(stage: Stage) -> None:
    for target, said in (("web", "PASS"), (OWN, "PASS"), ("db", "NEIGHBOUR"), (OTHERS, "NEIGHBOUR")):
        ask = ICMPv6ND_NS(tgt=address(target, "ipv6"))
        assert stage.show(discovery("::", ask), "web").said == said
    assert stage.show(discovery("::", ICMPv6ND_NA(tgt=ADDRESSES["web"][1])), "web").said == "NEIGHBOUR"


def test_anybody_asks_for_routers_and_nobody_is_one(stage: Stage) -> None:
    for source in ("::", "web", OWN):
        assert stage.show(discovery(source, ICMPv6ND_RS()), "web").said == "PASS"
    assert stage.show(discovery("db", ICMPv6ND_RS()), "web").said == "NEIGHBOUR"
    for message in (ICMPv6ND_RA(), ICMPv6ND_Redirect(tgt=OWN, dst="2001:db8::1")):
        assert stage.show(discovery(OWN, message), "web").said == "ROUTER"
        assert stage.show(discovery(OTHERS, message), "web").said == "NEIGHBOUR"
        assert stage.show(discovery("::", message), "web").said == "NEIGHBOUR"


def test_where_a_router_is_known_it_may_say_so(stage: Stage) -> None:
    assert stage.show(discovery(OWN, ICMPv6ND_RA()), "lan").said == "PASS"
    assert stage.show(discovery(OTHERS, ICMPv6ND_RA()), "lan").said == "NEIGHBOUR"


def test_the_host_may_be_a_router(stage: Stage) -> None:
    assert stage.show(discovery("fe80::1", ICMPv6ND_RA()), "web", "egress").said == "PASS"


def test_discovery_is_from_this_link(stage: Stage) -> None:
    for message in (ICMPv6ND_NS(tgt=ADDRESSES["host"][1]), ICMPv6ND_NA(tgt=ADDRESSES["web"][1]), ICMPv6ND_RS()):
        assert stage.show(discovery("web", message, hops=254), "web").said == "NEIGHBOUR"
    odd = ICMPv6ND_NS(tgt=ADDRESSES["host"][1], code=1)
    assert stage.show(discovery("web", odd), "web").said == "NEIGHBOUR"


def test_discovery_does_not_come_in_fragments(stage: Stage) -> None:
    """RFC 6980; nor in a fragment that is all there is."""
    ip = IPv6(src=ADDRESSES["web"][1], dst=ADDRESSES["db"][1], hlim=255)
    for more in (0, 1):
        frame = ether("web") / ip / IPv6ExtHdrFragment(m=more, id=3) / ICMPv6ND_NA(tgt=ADDRESSES["web"][1])
        assert stage.show(frame, "web").said == "NEIGHBOUR"


def test_discovery_that_is_cut_short_is_dropped(stage: Stage) -> None:
    ip = IPv6(src=ADDRESSES["web"][1], dst=ADDRESSES["db"][1], hlim=255, nh=58)
    whole = bytes(ICMPv6ND_NA(tgt=ADDRESSES["web"][1]))
    for size in range(len(whole)):
        assert stage.show(ether("web") / ip / Raw(whole[:size]), "web").said == "TRUNCATED"


def test_there_are_no_neighbours_behind_a_device_of_layer_3(stage: Stage) -> None:
    ip = IPv6(src=ADDRESSES["lan"][1], dst=ADDRESSES["db"][1], hlim=255)
    assert stage.show(ip / ICMPv6ND_NS(tgt=ADDRESSES["lan"][1]), "tun").said == "NEIGHBOUR"


def test_the_host_and_who_is_not_policed_do_not_claim_to_be_peers(stage: Stage) -> None:
    """By ARP and discovery, out of a policed interface."""
    assert stage.show(arp("host", "web"), "web", "egress").said == "PASS"
    assert stage.show(arp("world", "web"), "web", "egress").said == "PASS"
    for peer in ("db", "far", "lan"):
        assert stage.show(arp(peer, "web", 2), "web", "egress").said == "NEIGHBOUR"
    assert stage.show(discovery("host", ICMPv6ND_NA(tgt=ADDRESSES["host"][1])), "web", "egress").said == "PASS"
    assert stage.show(discovery("host", ICMPv6ND_NA(tgt=ADDRESSES["db"][1])), "web", "egress").said == "NEIGHBOUR"


# What is for everybody


REPORTS_6 = [
    ICMPv6MLQuery(),
    ICMPv6MLReport(mladdr="ff02::99"),
    ICMPv6MLDone(mladdr="ff02::99"),
    ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(dst="ff02::99")]),
]


def test_who_listens_to_a_group_says_so(stage: Stage) -> None:
    report = IGMP(type=0x16, gaddr="224.0.0.99")
    for source, said in (("web", "PASS"), ("0.0.0.0", "PASS"), ("db", "SOURCE")):  # noqa: S104  # no socket
        assert stage.show(packet(source, "224.0.0.99", "ipv4", report), "web").said == said
    for message in REPORTS_6:
        for source, said in ((OWN, "PASS"), ("fe80::1", "PASS"), ("::", "PASS"), ("web", "PASS"), ("db", "SOURCE")):
            ip = IPv6(src=address(source, "ipv6"), dst="ff02::16", hlim=1)
            assert stage.show(ether("web") / ip / IPv6ExtHdrHopByHop() / message, "web").said == said


@pytest.mark.parametrize("group", ["224.0.0.251", "239.1.2.3", "255.255.255.255", "ff02::fb", "ff0e::1", "ff05::1:3"])
def test_everything_else_for_a_group_is_dropped(stage: Stage, group: str) -> None:
    family = "ipv6" if ":" in group else "ipv4"
    for hook in ("ingress", "egress"):
        for source in ("web", "0.0.0.0" if family == "ipv4" else "fe80::2"):  # noqa: S104  # no socket
            assert stage.show(packet(source, group, family, udp(5353)), "web", hook).said == "MULTICAST"


def test_an_address_from_a_server_is_not_asked_for(stage: Stage) -> None:
    """Addresses are the plan's to give."""
    ask = UDP(sport=68, dport=67) / Raw(bytes(240))
    frame = packet("0.0.0.0", "255.255.255.255", "ipv4", ask)  # noqa: S104  # no socket
    assert stage.show(frame, "web").said == "MULTICAST"


def test_there_are_no_groups_behind_a_device_of_layer_3(stage: Stage) -> None:
    report = packet("lan", "224.0.0.99", "ipv4", IGMP(type=0x16, gaddr="224.0.0.99"), bare=True)
    assert stage.show(report, "tun").said == "MULTICAST"
