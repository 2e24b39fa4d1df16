# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What BPF maps hold, as bytes: the structures of files/bpf/include/layout.h, and policies packed into them.

A test compares every format here with the BTF of the compiled programs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from struct import Struct
from types import MappingProxyType
from typing import NamedTuple

from ...model.marks import MARK_SHIFT
from ...model.policy import (
    EVERY_NETWORK,
    PEER,
    PROTOCOLS,
    SHADOW,
    UNPOLICED,
    WORLD,
    Endpoint,
    Place,
    PolicyMaps,
    PortClass,
)

# WEFT_LAYOUT: the version of all of these.
VERSION = 4
# Generations of a policy: one that judges, and one that is being written.
SLOTS = 2

NUMBER = Struct("=I")
PLACE = Struct("=I16s")  # scope, address
PREFIX = Struct("=II16s")  # bits that count, those of the scope too; scope, address
ENDPOINT = Struct("=IIII")  # identity, class, network, flags and tag
IDENTITY_KEY = Struct("=II")  # scope, identity
SHADOW_VALUE = Struct("=16s16s")  # prefix, mask
PAIR = Struct("=IIHBx")  # source and destination class, port class, protocol
VERDICT = Struct("=IBB2x")  # rule, verdict, observed
ATTACHMENT = Struct("=III")  # number, network, flags
# Flags of attachments that no plan has. LAST_WORD: nobody behind our programs is asked about what they let pass.
# HAD_CLSACT: programs do not look at it; a clsact is there that was made for ours, which are at TCX now.
LAST_WORD = 1 << 30
HAD_CLSACT = 1 << 31
BINDING_KEY = Struct("=I16s")  # index of the interface, address
BINDING = Struct("=I")  # identity
FLOW_KEY = Struct("=16s16sIHHI")  # source, destination, network, their ports, protocol
FLOW = Struct("=Q")  # seen
JUDGED_KEY = Struct("=16s16sIIHHI")  # source, destination, attachment, network, ports, protocol and direction
# seen, generation, turn of the bindings, tag; way past the stack: link, MTU, family and address of the next hop;
# translated, to source, destination
JUDGED = Struct("=QIIIIHH16sI16s16s")
FRAGMENT_KEY = Struct("=16s16sIII")  # source, destination, scope, number, protocol
FRAGMENT = Struct("=QHHBBBx")  # seen, ports, protocol, type, opening
COUNTER_KEY = Struct("=IIHH")  # source and destination identity, reason, observed
COUNTER = Struct("=QQQ")  # packets, bytes, without a record
BUCKET_KEY = Struct("=II")  # identity, attachment
# time, source, destination, their identities, network, attachment, interface, rule, length, ports, ethertype, protocol,
# type, reason, observed, direction, generation
EVENT = Struct("=Q16s16sIIIIIIIHHHBBBBBB")

_PORTS = 1 << 16
_ORDER = sys.byteorder
# Of which protocol each third of WEFT_PORT_CLASSES is.
_THIRDS = (PROTOCOLS["TCP"], PROTOCOLS["UDP"], PROTOCOLS["SCTP"])
PORT_CLASSES_SIZE = len(_THIRDS) * _PORTS * 2

# How an IPv4 address begins in 128 bits.
MAPPED = bytes(10) + b"\xff\xff"
_SCOPE_BITS = 32
_FULL, _BITS_OF_IPV4 = 128, 32
_NETWORK_BITS = 16

# Entries of one map: key -> value.
Entries = Mapping[bytes, bytes]


class Tables(NamedTuple):
    """One generation, as the kernel has it. port_classes: a whole WEFT_PORT_CLASSES."""

    sources: Entries
    source_prefixes: Entries
    destinations: Entries
    destination_prefixes: Entries
    identities: Entries
    verdicts: Entries
    port_classes: bytes
    shadows: Entries = MappingProxyType({})


# What an empty slot has.
EMPTY = Tables({}, {}, {}, {}, {}, {}, bytes(PORT_CLASSES_SIZE))


def pack(maps: PolicyMaps) -> Tables:
    """The same generation in bytes. Numbers that do not fit raise struct.error: no compiled policy has any."""
    tags = {network: tag << MARK_SHIFT for network, tag in maps.tags}
    packed = _Packed(tags)
    sources, source_prefixes = _places(maps.sources, packed)
    destinations, destination_prefixes = _places((*_worlds(tags), *maps.destinations), packed)
    pair, verdict = PAIR.pack, VERDICT.pack
    verdicts = {
        pair(line.source, line.destination, line.port, line.protocol): verdict(line.rule, line.verdict, line.observed)
        for line in maps.verdicts
    }
    classes = _port_classes(maps.port_classes)
    identities = _identities(maps, packed)
    shadows = dict(_shadows(maps))
    return Tables(sources, source_prefixes, destinations, destination_prefixes, identities, verdicts, classes, shadows)


def address(single: str) -> bytes:
    """An address in 128 bits; IPv4 is ::ffff:0:0/96."""
    return inet_pton(AF_INET6, single) if ":" in single else MAPPED + inet_pton(AF_INET, single)


def text(raw: bytes) -> str:
    """The opposite."""
    return inet_ntop(AF_INET, raw[12:]) if raw.startswith(MAPPED) else inet_ntop(AF_INET6, raw)


def _worlds(networks: Iterable[int]) -> Iterator[Place]:
    """Whoever is in no prefix that a network knows, with its tag. What the maps say themselves counts more."""
    return (Place(network, "::/0", Endpoint(WORLD, WORLD, network, UNPOLICED)) for network in networks)


def _identities(maps: PolicyMaps, packed: _Packed) -> Entries:
    """All peers, as each network knows them; in the scope of every network all that are known at all. Where peers
    speak, the scope is no network."""
    found: dict[bytes, bytes] = {}
    key = IDENTITY_KEY.pack
    for scope, _nowhere, endpoint in (*maps.destinations, *maps.speakers):
        if endpoint.flags & PEER and not (scope == EVERY_NETWORK and endpoint.flags & SHADOW):
            # Whether it is seen by a shadow, depends on the address.
            plain = packed[endpoint._replace(flags=endpoint.flags & ~SHADOW) if endpoint.flags & SHADOW else endpoint]
            found[key(scope, endpoint.identity)] = found[key(EVERY_NETWORK, endpoint.identity)] = plain
    for place in maps.sources:
        # One that speaks by a shadow is not in its own network there.
        if place.endpoint.flags & PEER and not place.endpoint.flags & SHADOW:
            found[key(EVERY_NETWORK, place.endpoint.identity)] = packed[place.endpoint]
    return found


def _shadows(maps: PolicyMaps) -> Iterator[tuple[bytes, bytes]]:
    """From the network in which a packet is met to that of its receiver, of both of its ends."""
    for viewer, network, prefix, shadow in maps.shadows:
        for one, other, here, there in ((viewer, network, shadow, prefix), (network, viewer, prefix, shadow)):
            (base, bits), (start, _bits) = _raw(here), _raw(there)
            mask = ((1 << _FULL) - (1 << _FULL - bits)).to_bytes(_FULL // 8, "big")
            yield PREFIX.pack(_SCOPE_BITS + bits, one << _NETWORK_BITS | other, base), SHADOW_VALUE.pack(start, mask)


def _raw(prefix: str) -> tuple[bytes, int]:
    """Its first address, and how many of the 128 bits count."""
    base, _slash, length = prefix.partition("/")
    raw = address(base)
    return raw, _FULL if not length else int(length) + (0 if ":" in base else _FULL - _BITS_OF_IPV4)


class _Packed(dict[Endpoint, bytes]):
    """Endpoints, each packed once: a peer has many places. tags: by network, where they stand in the flags."""

    def __init__(self, tags: Mapping[int, int]) -> None:
        super().__init__()
        self._tags = tags

    def __missing__(self, endpoint: Endpoint) -> bytes:
        identity, class_, network, flags = endpoint
        self[endpoint] = found = ENDPOINT.pack(identity, class_, network, flags | self._tags.get(network, 0))
        return found


def _places(places: Iterable[Place], packed: _Packed) -> tuple[Entries, Entries]:
    """Single addresses, and prefixes."""
    exact: dict[bytes, bytes] = {}
    prefixes: dict[bytes, bytes] = {}
    for scope, prefix, endpoint in places:
        raw, bits = _raw(prefix)
        if bits == _FULL:
            exact[PLACE.pack(scope, raw)] = packed[endpoint]
        else:
            prefixes[PREFIX.pack(_SCOPE_BITS + bits, scope, raw)] = packed[endpoint]
    return exact, prefixes


def _port_classes(found: Iterable[PortClass]) -> bytes:
    """A table for each protocol: from its first port to the next entry's, a port is of an entry's class."""
    starts: dict[int, list[PortClass]] = {protocol: [] for protocol in _THIRDS}
    for entry in found:
        starts[entry.protocol].append(entry)
    tables = []
    for protocol in _THIRDS:
        entries = starts[protocol]
        ends = [entry.first for entry in entries[1:]] + [_PORTS]
        table = b"".join(entry.class_.to_bytes(2, _ORDER) * (end - entry.first) for entry, end in zip(entries, ends))
        # A protocol of which no rule says anything has one class, 0.
        tables.append(table or bytes(_PORTS * 2))
    return b"".join(tables)
