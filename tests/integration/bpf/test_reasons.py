# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every reason to drop a packet is reached, in both families, with and without an Ethernet header, and most at both
hooks: wherever that is possible at all."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from itertools import product

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_RA, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrRouting
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PEER, REASONS, SHADOW, Endpoint, Place
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.place import FAR, FIRST, SECOND, ether, maps, network, packet, tcp, udp
from tests.integration.bpf.stage import Stage

both = pytest.mark.parametrize("family", FAMILIES)

# Who speaks on a link, and whether its packets have an Ethernet header.
SPEAKERS = {"web": ("web", False), "tun": ("lan", True)}

_OWN = "fe80::ff:fe00:2"
_SHADY = Endpoint(FAR, FAR, SECOND, PEER | SHADOW)


def _plain(destination: str, what: Packet) -> Callable[[str, str], Packet]:
    def make(link: str, family: str) -> Packet:
        source, bare = SPEAKERS[link]
        return packet(source, destination, family, what, bare)

    return make


def _spoofed(link: str, family: str) -> Packet:
    return packet("db", "db", family, tcp(), SPEAKERS[link][1])


def _martian(link: str, family: str) -> Packet:
    return packet("127.0.0.1" if family == "ipv4" else "::1", "db", family, tcp(), SPEAKERS[link][1])


def _fragment(link: str, family: str) -> Packet:
    source, bare = SPEAKERS[link]
    if family == "ipv4":
        return packet(source, "db", family, Raw(bytes(40)), bare, frag=9, proto=17)
    return packet(source, "db", family, IPv6ExtHdrFragment(offset=9, nh=17) / Raw(bytes(40)), bare)


def _truncated(link: str, family: str) -> bytes:
    return bytes(_plain("db", tcp())(link, family))[:-1]


def _header(link: str, family: str) -> Packet:
    source, bare = SPEAKERS[link]
    if family == "ipv4":
        return packet(source, "db", family, tcp(), bare, ihl=4)
    twice = IPv6ExtHdrFragment(id=1) / IPv6ExtHdrFragment(id=2) / tcp()
    return packet(source, "db", family, twice, bare)


def _options(link: str, family: str) -> Packet:
    source, bare = SPEAKERS[link]
    if family == "ipv6":
        return packet(source, "db", family, IPv6ExtHdrRouting(addresses=["::9"], segleft=1) / tcp(), bare)
    route = b"\x83\x03\x04\x00"
    ip = bytes(network(source, "db", family, ihl=6, len=44, proto=6))[:20] + route + bytes(tcp())
    return Raw(ip) if bare else Ether(src=MACS[source], dst=MACS["host"], type=0x0800) / Raw(ip)


def _ethertype(link: str, family: str) -> Packet:
    if link == "tun":
        return Raw(bytes(60))
    return Ether(src=MACS["web"], dst=MACS["host"], type=0x88CC if family == "ipv4" else 0x8847) / Raw(bytes(60))


def _group(link: str, family: str) -> Packet:
    source, bare = SPEAKERS[link]
    return packet(source, "224.0.0.251" if family == "ipv4" else "ff02::fb", family, udp(5353), bare)


def _claim(link: str, family: str) -> Packet:
    ip = IPv6(src=ADDRESSES[SPEAKERS[link][0]][1], dst="ff02::1", hlim=255)
    claim = ip / ICMPv6ND_NA(tgt=ADDRESSES["db"][1])
    if link == "tun":
        return claim
    if family == "ipv4":
        return ether("web") / ARP(op=2, psrc=ADDRESSES["db"][0], pdst=ADDRESSES["web"][0])
    return ether("web") / claim


def _router(_link: str, _family: str) -> Packet:
    return ether("web") / IPv6(src=_OWN, dst="ff02::1", hlim=255) / ICMPv6ND_RA()


REACHED = {
    "NO_RULE": _plain("db", tcp(9)),
    "RULE": _plain("db", tcp(22)),
    "NETWORK": _plain("far", tcp()),
    "SOURCE": _spoofed,
    "MARTIAN": _martian,
    "NEIGHBOUR": _claim,
    "FRAGMENT": _fragment,
    "TRUNCATED": _truncated,
    "HEADER": _header,
    "OPTIONS": _options,
    "ETHERTYPE": _ethertype,
    "MULTICAST": _group,
    "ROUTER": _router,
    "SHADOW": _plain("spare", tcp(80)),
    "UNREADY": _plain("db", tcp()),
}


def _is_possible(reason: str, link: str, family: str) -> bool:
    """IPv4 has no routers that advertise themselves, and a device of layer 3 no neighbours; in IPv4 it has not even a
    protocol in which one could claim anything."""
    if reason == "ROUTER":
        return family == "ipv6" and link == "web"
    return not (reason == "NEIGHBOUR" and link == "tun" and family == "ipv4")


POSSIBLE = [found for found in product(REACHED, SPEAKERS, FAMILIES) if _is_possible(*found)]


def test_none_is_forgotten() -> None:
    assert set(REACHED) == {reason.name for reason in REASONS}


@pytest.mark.parametrize(("reason", "link", "family"), POSSIBLE)
def test_every_reason_is_reached(stage: Stage, reason: str, link: str, family: str) -> None:
    shown = REACHED[reason](link, family)
    if reason == "UNREADY":
        stage.forget_attachment(link)
    if reason == "SHADOW":
        # It seems to be far, seen by a shadow, and nothing says what is behind it.
        spare = tuple(Place(FIRST, single, _SHADY) for single in ADDRESSES["spare"])
        stage.enforce(maps()._replace(destinations=(*maps().destinations, *spare)))
    found = stage.show(shown, link)
    assert (found.passed, found.said) == (False, reason)


@both
@pytest.mark.parametrize(
    "reason",
    ["NO_RULE", "SOURCE", "MARTIAN", "FRAGMENT", "TRUNCATED", "HEADER", "OPTIONS", "ETHERTYPE", "MULTICAST"],
)
def test_the_egress_hook_knows_them_too(stage: Stage, reason: str, family: str) -> None:
    """Of what was not judged where it came in; who claims to be a peer there is told by SOURCE, so others ask."""
    shown = REACHED[reason]("web", family)
    frame = bytes(shown)
    if reason in ("NO_RULE", "FRAGMENT"):
        at = family == "ipv6"
        own, other = (ip_address(ADDRESSES[name][at]).packed for name in ("web", "host"))
        frame = frame.replace(own, other, 1)
    assert stage.show(frame, "db", "egress").said == reason
