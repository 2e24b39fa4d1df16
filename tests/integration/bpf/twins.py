# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two networks that have the same addresses and are peered, written down as maps by hand.

Network 1: ann and her neighbour amy. Network 2: bob, who has ann's address. Each on a link of its own, and behind `tun`
another host that translates too. ann may ask bob (TCP 5432, UDP 53, SCTP 7, echo, GRE); amy may ask nobody. Network 3,
not peered, has eve.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from scapy.layers.l2 import Ether
from scapy.packet import Packet

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    ALLOW,
    ANY_PROTOCOL,
    DENY,
    EVERY_NETWORK,
    LAYER_3,
    LOCAL,
    NO_ATTACHMENT,
    PEER,
    SHADOW,
    SHARED,
    UNPOLICED,
    WORLD,
    Attachment,
    Endpoint,
    NetworkTag,
    Place,
    PolicyMaps,
    PortClass,
    Shadow,
    Verdict,
)
from tests.integration.bpf.place import network as header

ANNS, BOBS, EVES = 1, 2, 3
ANN, BOB, AMY, HUT, EVE = 300, 301, 302, 303, 304
CIDRS = ("10.20.0.0/16", "fd00:20::/32")
# As the other network sees them.
SHADOWS = {ANNS: ("100.65.0.0/16", "fd77:1::/32"), BOBS: ("100.64.0.0/16", "fd77:2::/32")}
OTHER = {ANNS: BOBS, BOBS: ANNS}

ADDRESSES = {
    "ann": ("10.20.0.2", "fd00:20::2"),
    "bob": ("10.20.0.2", "fd00:20::2"),
    "amy": ("10.20.0.3", "fd00:20::3"),
    # the host itself, a peer of network 1
    "hut": ("10.20.0.1", "fd00:20::1"),
    "eve": ("10.50.0.2", "fd00:50::2"),
    # in the cidrs of both, and of nobody
    "spare": ("10.20.9.9", "fd00:20:9::9"),
    "world": ("192.0.2.7", "2001:db8::7"),
}
HOMES = {"ann": ANNS, "amy": ANNS, "hut": ANNS, "bob": BOBS}
_ENDPOINTS = {
    "ann": Endpoint(ANN, ANN, ANNS, PEER),
    "amy": Endpoint(AMY, AMY, ANNS, PEER),
    "hut": Endpoint(HUT, HUT, ANNS, PEER),
    "bob": Endpoint(BOB, BOB, BOBS, PEER),
    "eve": Endpoint(EVE, EVE, EVES, PEER),
}
# Attachments, and the links of place.py that are theirs.
LINKS = {"ann": ("web", 1), "amy": ("db", 2), "tun": ("tun", 3), "bob": ("far", 4), "eve": ("lan", 5)}
BARE = 6


def shadow(single: str, network: int) -> str:
    """What an address of a network is in the eyes of the other one."""
    six = ":" in single
    base, start = ip_network(CIDRS[six]).network_address, ip_network(SHADOWS[network][six]).network_address
    return str(ip_address(int(ip_address(single)) - int(base) + int(start)))


def seen(name: str, family: str, network: int = 0) -> str:
    """The address of a peer in the eyes of the other network. network: of an address of nobody's."""
    return shadow(ADDRESSES[name][family == "ipv6"], HOMES.get(name, network))


def own(name: str, family: str) -> str:
    return ADDRESSES[name][family == "ipv6"]


def _seen_by(viewer: int) -> list[Place]:
    world = Endpoint(WORLD, WORLD, viewer, UNPOLICED | LOCAL)
    found = [Place(viewer, cidr, world) for cidr in CIDRS]
    behind = world._replace(network=OTHER[viewer], flags=world.flags | SHADOW)
    found += [Place(viewer, prefix, behind) for prefix in SHADOWS[OTHER[viewer]]]
    for name, home in HOMES.items():
        end = _ENDPOINTS[name]
        for single in ADDRESSES[name]:
            if home == viewer:
                found.append(Place(viewer, single, end))
            else:
                found.append(Place(viewer, shadow(single, home), end._replace(flags=PEER | SHADOW)))
    return found


def alias(name: str) -> list[tuple[str, Endpoint]]:
    """As whom a peer is met in the other network."""
    home = HOMES[name]
    end = _ENDPOINTS[name]._replace(network=OTHER[home], flags=PEER | SHADOW)
    return [(shadow(single, home), end) for single in ADDRESSES[name]]


def _sources() -> list[Place]:
    found = [Place(LINKS[name][1], single, _ENDPOINTS[name]) for name in ("ann", "amy", "bob", "eve")
             for single in ADDRESSES[name]]  # fmt: skip
    found += [Place(BARE, single, _ENDPOINTS["ann"]) for single in ADDRESSES["ann"]]
    found += [Place(NO_ATTACHMENT, single, _ENDPOINTS["hut"]) for single in ADDRESSES["hut"]]
    for name in HOMES:
        found += [Place(LINKS["tun"][1], single, end) for single, end in alias(name)]
    # nobody's, behind ann's and bob's links
    for link in ("ann", "bob"):
        found += [Place(LINKS[link][1], single, Endpoint(WORLD, WORLD, 0, UNPOLICED)) for single in ADDRESSES["spare"]]
    return found


def maps() -> PolicyMaps:
    everywhere = [place for name in HOMES for place in alias(name)]
    destinations = [Place(EVERY_NETWORK, single, end) for single, end in everywhere]
    shared = Endpoint(0, 0, 0, SHARED)
    destinations += [Place(EVERY_NETWORK, single, shared) for single in ADDRESSES["ann"]]
    for name in ("amy", "hut", "eve"):
        destinations += [Place(EVERY_NETWORK, single, _ENDPOINTS[name]) for single in ADDRESSES[name]]
    destinations += [*_seen_by(ANNS), *_seen_by(BOBS)]
    verdicts = []
    for source in (ANN, HUT):
        verdicts += [
            Verdict(source, BOB, 6, 5432, ALLOW, 0, 1),
            Verdict(source, BOB, 17, 53, ALLOW, 0, 2),
            Verdict(source, BOB, 132, 7, ALLOW, 0, 3),
            Verdict(source, BOB, 1, 8, ALLOW, 0, 4),
            Verdict(source, BOB, 58, 128, ALLOW, 0, 4),
            Verdict(source, BOB, ANY_PROTOCOL, 47, ALLOW, 0, 5),
            Verdict(source, BOB, ANY_PROTOCOL, 136, ALLOW, 0, 5),
            Verdict(source, BOB, 6, 23, DENY, 1, 6),
        ]
    # what is nobody's
    verdicts += [Verdict(ANN, WORLD, 17, 53, ALLOW, 0, 2), Verdict(WORLD, BOB, 17, 54, ALLOW, 0, 2)]
    classes = [PortClass(6, 0, 0), PortClass(6, 23, 23), PortClass(6, 24, 0), PortClass(6, 5432, 5432)]
    classes += [PortClass(6, 5433, 0), PortClass(17, 0, 0), PortClass(17, 53, 53), PortClass(17, 54, 54)]
    classes += [PortClass(17, 55, 0), PortClass(132, 0, 0), PortClass(132, 7, 7), PortClass(132, 8, 0)]
    shadows = [
        Shadow(OTHER[network], network, cidr, there)
        for network in SHADOWS
        for cidr, there in zip(CIDRS, SHADOWS[network])
    ]
    attachments = [
        Attachment(link, number, HOMES.get(name, EVES if name == "eve" else 0), LAYER_3 if name == "tun" else 0)
        for name, (link, number) in LINKS.items()
    ]
    return PolicyMaps(
        destinations=tuple(destinations),
        verdicts=tuple(verdicts),
        port_classes=tuple(classes),
        attachments=(*attachments, Attachment("bare", BARE, ANNS, LAYER_3)),
        sources=tuple(_sources()),
        # others than the networks' numbers
        tags=(NetworkTag(ANNS, 11), NetworkTag(BOBS, 12), NetworkTag(EVES, 13)),
        shadows=tuple(shadows),
    )


MARKS = {ANNS: 11 << 24, BOBS: 12 << 24}
_MAC = Ether(src="02:00:00:00:00:55", dst="02:00:00:00:00:01")


def packet(source: str, destination: str, family: str, what: Packet, bare: bool = False, **fields: object) -> Packet:
    """source, destination: addresses. bare: without an Ethernet header."""
    found = header(source, destination, family, **fields) / what
    return found if bare else _MAC / found
