# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A second, plain reading of a frame that comes in on link `web` of place.py, when nothing is known of any flow."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, ANY_PROTOCOL
from tests.integration.bpf.place import ADDRESSES, DB, FAR, LAN, WEB, WORLD, verdicts

_TAGS = (0x8100, 0x88A8)
_OPTIONS = {7, 68, 148}
_NEIGHBOURS = range(133, 138)
_LEAST = {6: 20, 17: 8, 132: 12, 1: 8, 58: 8}
_LINES = {(line.source, line.destination, line.protocol, line.port): line for line in verdicts()}
_CLASSES = {6: {22, 23, 80, 5432}, 17: {53}, 132: {7}}

Address = IPv4Address | IPv6Address


class CutError(Exception):
    """The packet is not what it says it is."""


def take(raw: bytes, form: str, at: int) -> tuple[int, ...]:
    if at + struct.calcsize(form) > len(raw):
        raise CutError
    return struct.unpack_from(form, raw, at)


def allowed(frame: bytes) -> bool:
    """Whether it passes, recorded or not."""
    try:
        return _frame(frame)
    except CutError:
        return False


def _frame(frame: bytes) -> bool:
    (kind,) = take(frame, "!H", 12)
    at, tags = 14, 0
    while kind in _TAGS:
        tags += 1
        (kind,) = take(frame, "!H", at + 2)
        at += 4
    if tags > 2:
        return False
    if kind == 0x0806:
        return _arp(frame[at:])
    if kind == 0x0800:
        return _ipv4(frame[at:])
    return kind == 0x86DD and _ipv6(frame[at:], frame[6:12])


def _arp(raw: bytes) -> bool:
    hardware, protocol, size, length, operation = take(raw, "!HHBBH", 0)
    sender = bytes(take(raw, "!4B", 14))
    take(raw, "!4B", 24)
    if (hardware, protocol, size, length) != (1, 0x0800, 6, 4):
        return False
    if sender == bytes(4):
        return operation == 1
    return operation in (1, 2) and str(IPv4Address(sender)) == ADDRESSES["web"][0]


def _ipv4(raw: bytes) -> bool:
    first, _tos, total, _id, fragment, _ttl, protocol = take(raw, "!BBHHHBB", 0)
    take(raw, "!20B", 0)
    size = (first & 15) * 4
    if first >> 4 != 4 or size < 20 or total < size or total > len(raw):
        return False
    if not _options(raw[20:size]):
        return False
    source, destination = IPv4Address(raw[12:16]), IPv4Address(raw[16:20])
    if fragment & 0x1FFF:
        return False  # nothing is known of any first one
    return _judge(source, destination, protocol, raw[size:total], False, 4)


def _options(raw: bytes) -> bool:
    at = 0
    while at < len(raw) and raw[at] != 0:
        if raw[at] == 1:
            at += 1
            continue
        if raw[at] not in _OPTIONS or at + 1 >= len(raw) or raw[at + 1] < 2 or at + raw[at + 1] > len(raw):
            return False
        at += raw[at + 1]
    return True


def _ipv6(raw: bytes, mac: bytes) -> bool:
    first, _flow, _label, payload, protocol, hops = take(raw, "!BBHHBB", 0)
    take(raw, "!40B", 0)
    if first >> 4 != 6 or 40 + payload > len(raw):
        return False
    source, destination = IPv6Address(raw[8:24]), IPv6Address(raw[24:40])
    raw, at, count, fragmented = raw[: 40 + payload], 40, 0, False
    while protocol in (0, 43, 44, 51, 60):
        count += 1
        following, length, _kind, left = take(raw, "!4B", at)
        if count > 6 or (protocol == 0 and count > 1) or (protocol == 43 and left):
            return False
        take(raw, "!8B", at)
        if protocol == 44:
            if fragmented or take(raw, "!H", at + 2)[0] & 0xFFF8:
                return False
            fragmented, size = True, 8
        else:
            size = (length + 2) * 4 if protocol == 51 else (length + 1) * 8
        at, protocol = at + size, following
    if protocol in (135, 139, 140, 253, 254) or at > len(raw):
        return False
    data = raw[at:]
    if protocol == 58 and data and data[0] in _NEIGHBOURS:
        return not fragmented and hops == 255 and _discovery(source, data, mac)
    return _judge(source, destination, protocol, data, fragmented, 6)


def _own(address: Address, mac: bytes) -> bool:
    made = bytes((mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]))
    return str(address) == ADDRESSES["web"][1] or address.packed == b"\xfe\x80" + bytes(6) + made


def _discovery(source: IPv6Address, data: bytes, mac: bytes) -> bool:
    kind, code = take(data, "!BB", 0)
    take(data, "!8B", 0)
    nobody = int(source) == 0
    if code or not (nobody or _own(source, mac)) or kind in (134, 137):
        return False
    if kind == 133:
        return True
    target = IPv6Address(bytes(take(data, "!16B", 8)))
    if kind == 135 and not nobody:
        return True
    return not (kind == 136 and nobody) and _own(target, mac)


def _judge(source: Address, destination: Address, protocol: int, data: bytes, fragmented: bool, version: int) -> bool:
    if protocol in _LEAST:
        if len(data) < _LEAST[protocol] or (protocol in (1, 58) and (protocol == 1) != (version == 4)):
            return False
        if protocol == 6 and data[12] >> 4 < 5:
            return False
    if destination.is_multicast or str(destination) == "255.255.255.255":
        return _group(source, protocol, data, fragmented, version)
    if str(source) not in ADDRESSES["web"] or _nowhere(destination):
        return False
    other = _class(destination)
    if other == FAR:
        return False
    port = 0
    if protocol in _CLASSES:
        (port,) = take(data, "!H", 2)
        port = port if port in _CLASSES[protocol] else 0
    elif protocol in (1, 58):
        port = data[0]
    for key in ((protocol, port), (ANY_PROTOCOL, protocol), (ANY_PROTOCOL, 0)):
        line = _LINES.get((WEB, other, *key))
        if line is not None:
            return line.verdict == ALLOW or bool(line.observed)
    return False


def _group(source: Address, protocol: int, data: bytes, fragmented: bool, version: int) -> bool:
    if fragmented or (protocol != 2 if version == 4 else protocol != 58 or data[0] not in (130, 131, 132, 143)):
        return False
    known = str(source) in ADDRESSES["web"] or int(source) == 0
    return known or (version == 6 and source in IPv6Network("fe80::/10"))


def _nowhere(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in IPv4Network(found) for found in ("0.0.0.0/8", "127.0.0.0/8", "240.0.0.0/4"))
    return address in IPv6Network("::/80") or address in IPv6Network("fe80::/10")


def _class(address: Address) -> int:
    for name, class_ in (("web", WEB), ("db", DB), ("far", FAR)):
        if str(address) in ADDRESSES[name]:
            return class_
    if str(address) in ADDRESSES["hole"]:
        return 260
    subnets = map(ip_network, ("10.20.8.0/24", "fd00:20:8::/64"))
    return LAN if any(address in found for found in subnets if found.version == address.version) else WORLD
