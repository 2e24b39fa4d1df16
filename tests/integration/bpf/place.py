# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small place with a policy, written down as maps by hand, and packets between those who live there.

Network 1: web and db, each on a link of its own, and lan, a subnet behind a tunnel. Network 2, not peered: far, which
observes. web may ask db (TCP 5432, UDP 53, SCTP 7, echo), and so may lan; far would have to be asked by everybody.
"""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether
from scapy.layers.sctp import SCTP
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    ALLOW,
    ANY_PROTOCOL,
    DENY,
    EVERY_NETWORK,
    HAS_ROUTER,
    LAYER_3,
    LOCAL,
    NOBODY,
    OBSERVES_EGRESS,
    OBSERVES_INGRESS,
    PEER,
    UNPOLICED,
    WORLD,
    Attachment,
    Endpoint,
    NetworkTag,
    Place,
    PolicyMaps,
    PortClass,
    Verdict,
)
from tests.integration.bpf.names import ADDRESSES, MACS

LINKS = ("web", "db", "tun", "far", "lan", "bare")

WEB, DB, LAN, FAR, HOLE = 256, 257, 258, 259, 260
FIRST, SECOND = 1, 2
ATTACHMENTS = {"web": 1, "db": 2, "tun": 3, "far": 4, "lan": 5}
_OTHER_MAC = "02:00:00:00:00:99"

_ENDPOINTS = {
    "web": Endpoint(WEB, WEB, FIRST, PEER),
    "db": Endpoint(DB, DB, FIRST, PEER),
    "lan": Endpoint(LAN, LAN, FIRST, PEER),
    "hole": Endpoint(HOLE, HOLE, FIRST, PEER),
    "far": Endpoint(FAR, FAR, SECOND, PEER | OBSERVES_INGRESS | OBSERVES_EGRESS),
}
_SUBNETS = {"lan": ("10.20.8.0/24", "fd00:20:8::/64")}
_CIDRS = {FIRST: ("10.20.0.0/16", "fd00:20::/32"), SECOND: ("10.30.0.0/16", "fd00:30::/32")}

# Rules, by number.
ASKS, LOOKS_UP, CALLS, ECHOES, NEVER, WATCHED, LOUD = range(1, 8)


def _prefixes(name: str) -> tuple[str, ...]:
    return _SUBNETS.get(name) or tuple(f"{address}/{128 if ':' in address else 32}" for address in ADDRESSES[name])


def _places(scope: int, name: str) -> list[Place]:
    return [Place(scope, prefix, _ENDPOINTS[name]) for prefix in _prefixes(name)]


def _cidrs(network: int) -> list[Place]:
    world = Endpoint(WORLD, WORLD, network, UNPOLICED | LOCAL)
    return [Place(network, cidr, world) for cidr in _CIDRS[network]]


def verdicts() -> tuple[Verdict, ...]:
    """web and lan → db; what web may do for the echo of db's; observed and forbidden ports."""
    lines = []
    for source in (WEB, LAN):
        lines += [
            Verdict(source, DB, 6, 5432, ALLOW, 0, ASKS),
            Verdict(source, DB, 17, 53, ALLOW, 0, LOOKS_UP),
            Verdict(source, DB, 132, 7, ALLOW, 0, CALLS),
            Verdict(source, DB, 1, 8, ALLOW, 0, ECHOES),
            Verdict(source, DB, 58, 128, ALLOW, 0, ECHOES),
            Verdict(source, DB, 6, 22, DENY, 0, NEVER),
            Verdict(source, DB, 6, 23, DENY, 1, WATCHED),
            # all of a protocol that has no ports
            Verdict(source, DB, ANY_PROTOCOL, 47, ALLOW, 0, LOUD),
        ]
    # web may ask the world anything, and the host its web page
    lines.append(Verdict(WEB, WORLD, ANY_PROTOCOL, 0, ALLOW, 0, LOUD))
    # the host, and whoever else is no peer, may look at web
    lines.append(Verdict(WORLD, WEB, 6, 80, ALLOW, 0, ASKS))
    lines.append(Verdict(WORLD, DB, 17, 53, ALLOW, 0, LOOKS_UP))
    return tuple(lines)


def maps() -> PolicyMaps:
    sources = [place for name, number in (("web", 1), ("db", 2), ("far", 4)) for place in _places(number, name)]
    for number in (ATTACHMENTS["tun"], ATTACHMENTS["lan"]):
        sources += _places(number, "lan")
        sources += [Place(number, place.prefix, Endpoint(NOBODY, 0, 0, 0)) for place in _places(0, "hole")]
    destinations = [place for name in _ENDPOINTS for place in _places(EVERY_NETWORK, name)]
    destinations += [place for name in ("web", "db", "lan", "hole") for place in _places(FIRST, name)]
    destinations += [*_places(SECOND, "far"), *_cidrs(FIRST), *_cidrs(SECOND)]
    ports = (22, 23, 80, 5432)
    classes = [PortClass(6, 0, 0)]
    for port in ports:
        classes += [PortClass(6, port, port), PortClass(6, port + 1, port + 1 if port + 1 in ports else 0)]
    classes = [found for found in classes if (found.first, found.class_) != (23, 0)]
    classes += [PortClass(17, 0, 0), PortClass(17, 53, 53), PortClass(17, 54, 0)]
    classes += [PortClass(132, 0, 0), PortClass(132, 7, 7), PortClass(132, 8, 0)]
    return PolicyMaps(
        destinations=tuple(destinations),
        verdicts=verdicts(),
        port_classes=tuple(dict.fromkeys(classes)),
        attachments=(
            Attachment("web", 1, FIRST, 0),
            Attachment("db", 2, FIRST, 0),
            Attachment("tun", 3, FIRST, LAYER_3),
            Attachment("far", 4, SECOND, 0),
            Attachment("lan", 5, FIRST, HAS_ROUTER),
        ),
        sources=tuple(sources),
        tags=(NetworkTag(FIRST, FIRST), NetworkTag(SECOND, SECOND)),
    )


# packets


def address(name: str, family: str) -> str:
    return ADDRESSES[name][family == "ipv6"] if name in ADDRESSES else name


def ether(source: str) -> Ether:
    """From whom; to whoever."""
    return Ether(src=MACS.get(source, _OTHER_MAC), dst=MACS["host"])


def network(source: str, destination: str, family: str, **fields: object) -> Packet:
    """An IP header. source, destination: names, or addresses."""
    kind = IPv6 if family == "ipv6" else IP
    return kind(src=address(source, family), dst=address(destination, family), **fields)


def packet(source: str, destination: str, family: str, what: Packet, bare: bool = False, **fields: object) -> Packet:
    """bare: without an Ethernet header."""
    found = network(source, destination, family, **fields) / what
    return found if bare else ether(source) / found


def tcp(port: int = 5432, flags: str = "S", source: int = 40000) -> Packet:
    return TCP(sport=source, dport=port, flags=flags)


def udp(port: int = 53, source: int = 40000) -> Packet:
    return UDP(sport=source, dport=port) / Raw(b"question")


def sctp(port: int = 7, source: int = 40000) -> Packet:
    return SCTP(sport=source, dport=port)


def echo(family: str, reply: bool = False, number: int = 77) -> Packet:
    if family == "ipv6":
        return (ICMPv6EchoReply if reply else ICMPv6EchoRequest)(id=number, data=b"ping")
    return ICMP(type=0 if reply else 8, id=number) / Raw(b"ping")


def query(family: str, kind: str) -> Packet:
    """Something that db may be asked, by the name of its protocol."""
    return {"tcp": tcp, "udp": udp, "sctp": sctp}[kind]() if kind != "echo" else echo(family)


def answer(family: str, kind: str) -> Packet:
    """What db says to that."""
    if kind == "tcp":
        return TCP(sport=5432, dport=40000, flags="SA")
    if kind == "udp":
        return UDP(sport=53, dport=40000) / Raw(b"answer")
    if kind == "sctp":
        return SCTP(sport=7, dport=40000)
    return echo(family, reply=True)


KINDS = ("tcp", "udp", "sctp", "echo")
