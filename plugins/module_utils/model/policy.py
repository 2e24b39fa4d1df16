# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies as the kernel's maps hold them: values, and one canonical spelling of all of them.

Whoever judges a packet finds two endpoints and asks for their classes, in this order, until there is a line:
(source, destination, protocol, port class), (source, destination, ANY_PROTOCOL, protocol), (source, destination,
ANY_PROTOCOL, 0). Without a line it is denied by no rule, and that is observed where the source has OBSERVES_EGRESS and
the destination OBSERVES_INGRESS. Between two endpoints of which neither is a PEER everything passes.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

# Identities that nobody declares, and the first of those that somebody does. NOBODY is what an interface may not speak
# for, though a wider prefix there says so.
NOBODY = 0
WORLD = 1
HOST = 2
FIRST_IDENTITY = 256

# The scope that belongs to no network: there stands every address of every peer.
EVERY_NETWORK = 0
# The attachment of the host itself, and of interfaces that are not policed.
NO_ATTACHMENT = 0

# Flags of endpoints. PEER: it is declared; what is not has no policies. OBSERVES_INGRESS, OBSERVES_EGRESS: what no rule
# allows into it, or out of it, passes and is recorded; what is no peer has both, for nothing has to allow it anything.
# LOCAL: no peer, but in the cidrs of the network or of a peered one, so it is not another network's peer; in
# EVERY_NETWORK, a host of ours among peers. SHARED: peers of several networks have this address, and only a packet's
# network can tell which is meant. SHADOW: in the eyes of a network, what is there has another address in its own
# network; of who speaks somewhere, it does so by such an address, in a network that is not its own.
PEER = 1
OBSERVES_INGRESS = 2
OBSERVES_EGRESS = 4
LOCAL = 8
SHARED = 16
SHADOW = 32
UNPOLICED = OBSERVES_INGRESS | OBSERVES_EGRESS

# Verdicts.
DENY = 0
ALLOW = 1

# IP protocol numbers (IANA).
ANY_PROTOCOL = 255
PROTOCOLS = {"ICMP": 1, "TCP": 6, "UDP": 17, "ICMPv6": 58, "SCTP": 132}
WITH_PORTS = (6, 17, 132)
WITH_TYPES = (1, 58)

# Flags of attachments. LAYER_3: its packets begin with the IP header. HAS_ROUTER: a router of somebody else's is there
# and may say so (advertisements, redirects). BOUND: what comes in there is only from addresses that are bound to this
# very interface. PORTS: a bridge whose ports are policed instead, each with this attachment's number and BOUND, but for
# those that are attachments themselves. TUNNEL: what leaves there finds its way through the underlay by its mark, so
# it leaves without ours. FORWARDS: what is known to pass between two peers goes straight from one such link to another,
# past the host's stack, and so past its firewall, NAT and connection tracking. PORT: a port of a bridge with PORTS, as
# those that are BOUND are: there nothing leaves that comes from a port that is not policed.
LAYER_3 = 1
HAS_ROUTER = 2
BOUND = 4
PORTS = 8
TUNNEL = 16
FORWARDS = 32
PORT = 64

# More lines or places than that are refused: a host holds two generations of them in memory, and three while it writes.
MOST_VERDICTS = 1 << 20
MOST_PLACES = 1 << 20


class NetworkName(NamedTuple):
    number: int
    name: str


class Identity(NamedTuple):
    """Who an address belongs to. name: of a peer, or a prefix of policies. network: 0 where it is of none."""

    number: int
    name: str
    network: int


class RuleName(NamedTuple):
    """Where a rule stands: position, from 0, in the policy's list of a direction, "ingress" or "egress". Rule n is the
    n-th of the table, from 1."""

    policy: str
    direction: str
    position: int

    def path(self) -> str:
        """Where it stands in the intent, as messages about the intent say it: ``policies.web-in.ingress[0]``."""
        # A policy's name has letters, digits, dots, dashes and underscores; one with dots is quoted.
        name = f'["{self.policy}"]' if "." in self.policy else f".{self.policy}"
        return f"policies{name}.{self.direction}[{self.position}]"


class Endpoint(NamedTuple):
    """One end of a packet. class_: what verdicts know it by. network: number."""

    identity: int
    class_: int
    network: int
    flags: int


class Place(NamedTuple):
    """Where an endpoint is. scope: the network that looks, or the attachment that speaks. prefix: canonical text; that
    of a single address has the full length."""

    scope: int
    prefix: str
    endpoint: Endpoint


class Verdict(NamedTuple):
    """One line. source, destination: classes. port: port class, or the type of an ICMP message. observed: 1 where it
    says DENY and the packet passes all the same, recorded. rule: the one that decides, 0: none."""

    source: int
    destination: int
    protocol: int
    port: int
    verdict: int
    observed: int
    rule: int


class PortClass(NamedTuple):
    """From port `first` to the next one's of the protocol, ports are of this class, named by its lowest port."""

    protocol: int
    first: int
    class_: int


class Shadow(NamedTuple):
    """Where a network sees addresses of a peered one that its own, or another's, would hide. viewer, network: numbers.
    prefix: of `network`. shadow: as large, what the viewer sees there."""

    viewer: int
    network: int
    prefix: str
    shadow: str


class Attachment(NamedTuple):
    """A policed interface. network: 0 where peers of several networks speak."""

    interface: str
    number: int
    network: int
    flags: int

    def key(self) -> str:
        return self.interface


class NetworkTag(NamedTuple):
    """What marks the packets of a network on one host. network: number. tag: marks.FIRST_TAG to LAST_TAG."""

    network: int
    tag: int


class PolicyMaps(NamedTuple):
    """All of one generation; every tuple is sorted, rules are in canonical order. Those of a whole domain have no
    attachments, sources and tags: each host adds its own. speakers: peers that containers of this host become by their
    labels, as each network sees them: any address in the prefix can be theirs. In those of a domain, of all hosts, and
    besides them the peers that such containers are without a label."""

    networks: tuple[NetworkName, ...] = ()
    identities: tuple[Identity, ...] = ()
    rules: tuple[RuleName, ...] = ()
    destinations: tuple[Place, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    port_classes: tuple[PortClass, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    sources: tuple[Place, ...] = ()
    tags: tuple[NetworkTag, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    speakers: tuple[Place, ...] = ()


def mapped(prefix: str) -> tuple[int, int]:
    """(address as a number, prefix length) of a prefix or an address, in 128 bits: IPv4 is ::ffff:0:0/96 (RFC 4291)."""
    base, _slash, length = prefix.partition("/")
    address = ip_address(base)
    if address.version == 4:
        return int(address) | 0xFFFF << 32, 96 + int(length or 32)
    return int(address), int(length or 128)


class Reason(NamedTuple):
    """Why a packet is dropped, or would be. number: in counters and records, never used again for another. says: one
    sentence."""

    number: int
    name: str
    says: str


NO_RULE = Reason(1, "NO_RULE", "No rule of the destination's ingress, or none of the source's egress, allows it.")
RULE = Reason(2, "RULE", "A rule denies it.")
NETWORK = Reason(3, "NETWORK", "The two peers are in networks that are not peered.")
SOURCE = Reason(4, "SOURCE", "Nobody who speaks on this interface has its source address.")
ASTRAY = Reason(15, "SHADOW", "It is for another network, in which its addresses mean nobody.")
REASONS = (
    NO_RULE,
    RULE,
    NETWORK,
    SOURCE,
    Reason(5, "MARTIAN", "Its source or destination is an address that no packet on a wire has."),
    Reason(6, "NEIGHBOUR", "ARP or neighbour discovery speaks for an address that is not the sender's."),
    Reason(7, "FRAGMENT", "The first fragment of its datagram was not seen, or not let through."),
    Reason(8, "TRUNCATED", "It ends before what has to be read of it."),
    Reason(9, "HEADER", "Its IP header contradicts itself."),
    Reason(10, "OPTIONS", "It has IP options, or extension headers, that are not let through."),
    Reason(11, "ETHERTYPE", "It is neither IPv4 nor IPv6, nor the ARP of this interface."),
    Reason(12, "UNREADY", "The maps that it should be judged by are not there."),
    Reason(13, "MULTICAST", "It is for a group or for everybody, and policies are about one peer and another."),
    Reason(14, "ROUTER", "It says what only a router may say, and no router is known on this interface."),
    ASTRAY,
)
