# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The MTU of WireGuard interfaces: what of the underlay's is left for the packets inside."""

from __future__ import annotations

from collections.abc import Iterator

from ..intent.interface import IPV4_OVERHEAD, IPV6_MTU, Interface
from ..intent.node import below
from ..model.errors import Fault
from ..model.facts import Facts

# Outer IPv6 (40), UDP (8) and WireGuard's data message (32). Clients come over either family, so this is kept free.
IPV6_OVERHEAD = 80

# Ethernet's own, where nobody has seen the host yet; and what then is left for a client whose way is not known.
ASSUMED_MTU = 1500
_CLIENTS_MTU = ASSUMED_MTU - IPV6_OVERHEAD

_DEFAULTS = ("0.0.0.0/0", "::/0")


def uplink_mtu(facts: Facts | None, addresses: tuple[str, ...], remembered: int) -> int:
    """MTU of the link that carries the host's default route (of several, the smallest), else of the one with one of
    its addresses, else as remembered; 0: nobody knows."""
    uplinks = facts.foreign.uplinks if facts else ()
    routed = {route.link for route in facts.foreign.routes if route.destination in _DEFAULTS} if facts else set()
    outside = [uplink.mtu for uplink in uplinks if uplink.link in routed]
    own = [uplink.mtu for uplink in uplinks if uplink.address.partition("/")[0] in addresses]
    return min(outside or own, default=remembered)


def inner_mtu(interface: Interface, underlay: int) -> int:
    """Of the interface itself."""
    return interface.mtu or (underlay or ASSUMED_MTU) - IPV6_OVERHEAD


def client_mtu(interface: Interface, mtu: int) -> int:
    """Of an unmanaged client, whose own underlay nobody knows. mtu: of the interface."""
    return interface.mtu or min(mtu, _CLIENTS_MTU)


def mtu_faults(name: str, interface: Interface, host: str, underlay: int) -> Iterator[Fault]:
    """What cannot pass the underlay of `host`, which is an end of the tunnel. underlay: its MTU, 0: not known."""
    path = f"{below('interfaces', name)}.mtu"
    overhead = IPV6_OVERHEAD if ":" in interface.endpoint.host else IPV4_OVERHEAD
    if underlay and interface.mtu and interface.mtu + overhead > underlay:
        message = f"{interface.mtu} and {overhead} bytes of WireGuard headers do not fit the underlay MTU {underlay} of"
        yield Fault("domain.yaml", path, f"{message} {host}; at most {underlay - overhead} would")
    left = inner_mtu(interface, underlay)
    if not interface.mtu and interface.subnets.ipv6 is not None and left < IPV6_MTU:
        message = f"the underlay MTU {underlay} of {host} leaves {left}, and IPv6 needs {IPV6_MTU}"
        yield Fault("domain.yaml", path, f"{message}; drop subnets.ipv6, or give an mtu that fits")
