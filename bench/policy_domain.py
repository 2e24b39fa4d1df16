# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain of so many rules and networks, and packets that its rules let through."""

from __future__ import annotations

import random
import struct
from ipaddress import IPv4Address
from typing import NamedTuple

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.namespace import Namespace
from ansible_collections.weft.overlay.plugins.module_utils.intent.network import Network
from ansible_collections.weft.overlay.plugins.module_utils.intent.peer import Peer
from ansible_collections.weft.overlay.plugins.module_utils.intent.policy import Policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.port import Port
from ansible_collections.weft.overlay.plugins.module_utils.intent.rule import Others, Rule
from ansible_collections.weft.overlay.plugins.module_utils.intent.selector import Selector
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import Tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.marks import LAST_TAG
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    EVERY_NETWORK,
    Attachment,
    NetworkTag,
    Place,
    PolicyMaps,
)

# MACs of the measured host's two links, and of the neighbour behind the second, whom nobody there is.
LEFT_MAC, RIGHT_MAC, NEXT_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:99"
LEFT, RIGHT = "left", "right"

_MOST_PEERS = 1000
_FIRST = int(IPv4Address("10.0.0.0"))
_FIRST_PORT = 1000
_EVERYTHING = Rule("allow", (), ())
_SOURCE_PORTS = range(1024, 65536)


class Allowed(NamedTuple):
    """What one rule lets through, by UDP. network: number, from 1."""

    network: int
    source: str
    destination: str
    port: int


class Domain:
    """Each rule is of one peer, lets in the next peer of its network by one UDP port; and one rule of each network lets
    everything out. Networks are numbered from 1 and tagged by that, as many as a host may have."""

    def __init__(self, rules: int, networks: int) -> None:
        each = -(-rules // networks)
        self.rules, self.networks = rules, networks
        self._peers = max(2, min(each, _MOST_PEERS))
        self._size = 1 << (self._peers + 1).bit_length()
        self.allowed = [self._allowed(number) for number in range(rules)]

    @property
    def tags(self) -> dict[str, int]:
        """Of the networks that one host may have."""
        return {f"n{number}": number for number in range(1, min(self.networks, LAST_TAG) + 1)}

    def cidr(self, network: int) -> str:
        return f"{IPv4Address(_FIRST + network * self._size)}/{32 - self._size.bit_length() + 1}"

    def tenancy(self) -> Tenancy:
        names = [f"n{number}" for number in range(1, self.networks + 1)]
        networks = {
            name: Network((self.cidr(number),), None, "enforce", (), number)
            for number, name in enumerate(names, start=1)
        }
        peers = {
            f"{name}-{one}": Peer(name, {"app": f"a{one}"}, None, None, None, (self._address(number, one),), ())
            for number, name in enumerate(names, start=1)
            for one in range(self._peers)
        }
        policies = {f"{name}-out": Policy(None, name, Selector({}, ()), None, (), (_EVERYTHING,)) for name in names}
        let_in: dict[tuple[int, int], list[Rule]] = {}
        for number in range(self.rules):
            network, receiver, port = self._place(number)
            sender = Others(_app((receiver + 1) % self._peers), None, None, ())
            rule = Rule("allow", (sender,), (Port("UDP", port, port),))
            let_in.setdefault((network, receiver), []).append(rule)
        for (network, receiver), found in let_in.items():
            policies[f"n{network}-{receiver}"] = Policy(f"n{network}", None, _app(receiver), None, tuple(found), ())
        return Tenancy(networks, {name: Namespace(name, {}) for name in names}, peers, policies, ())

    def maps(self) -> PolicyMaps:
        """Of a host with two links, on both of which everybody may speak."""
        compiled = compile_policy(self.tenancy(), {}, EMPTY)
        for fault in compiled.faults:
            raise RuntimeError(str(fault))
        return on_host(compiled.maps)

    def packets(self, count: int, fresh: bool) -> list[bytes]:
        """Frames of the least size, each let through by a rule of its own choice; of networks that have a tag.
        fresh: no two are of one flow."""
        choose = random.Random(count)  # noqa: S311  # nothing is kept secret by it
        some = [allowed for allowed in self.allowed if allowed.network <= LAST_TAG]
        found = []
        for number in range(count):
            allowed = choose.choice(some)
            port = _SOURCE_PORTS[number % len(_SOURCE_PORTS)] if fresh else choose.choice(_SOURCE_PORTS)
            found.append(_frame(allowed, port))
        return found

    def _allowed(self, number: int) -> Allowed:
        network, receiver, port = self._place(number)
        sender = (receiver + 1) % self._peers
        return Allowed(network, self._address(network, sender), self._address(network, receiver), port)

    def _place(self, number: int) -> tuple[int, int, int]:
        """Network, receiving peer and port of a rule."""
        within = number // self.networks
        return 1 + number % self.networks, within % self._peers, _FIRST_PORT + within // self._peers

    def _address(self, network: int, peer: int) -> str:
        return str(IPv4Address(_FIRST + network * self._size + 1 + peer))


def on_host(maps: PolicyMaps) -> PolicyMaps:
    """The domain's maps, as a host has them on whose two links everybody speaks."""
    everybody = [place for place in maps.destinations if place.scope == EVERY_NETWORK]
    attachments = (Attachment(LEFT, 1, 0, 0), Attachment(RIGHT, 2, 0, 0))
    tags = tuple(NetworkTag(found.number, found.number) for found in maps.networks if found.number <= LAST_TAG)
    return maps._replace(
        attachments=attachments,
        sources=tuple(Place(found.number, *place[1:]) for found in attachments for place in everybody),
        tags=tags,
    )


def _app(number: int) -> Selector:
    return Selector({"app": f"a{number}"}, ())


def _frame(allowed: Allowed, source_port: int) -> bytes:
    addresses = IPv4Address(allowed.source).packed + IPv4Address(allowed.destination).packed
    start = struct.pack("!BBHHHBB", 0x45, 0, 46, 0, 0, 64, 17)
    total = sum(struct.unpack("!9H", start + addresses))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    ethernet = bytes.fromhex((LEFT_MAC + NEXT_MAC).replace(":", "")) + b"\x08\x00"
    udp = struct.pack("!HHHH", source_port, allowed.port, 26, 0)
    return ethernet + start + checksum.to_bytes(2, "big") + addresses + udp + bytes(18)
