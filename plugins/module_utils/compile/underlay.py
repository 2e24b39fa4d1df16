# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The network between the hosts: every host's address there, and the MTU that a tunnel has on top of it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from ..intent.overlay import Overlay
from ..model.errors import Fault
from ..model.facts import Facts
from .inventory import DEFAULT, Host, Inventory, reachable
from .ledger import Ledger

# Outer Ethernet 14, IP 20 or 40, UDP 8, VXLAN 8 bytes (RFC 7348).
_OVERHEAD = {4: 50, 6: 70}

# Outer IP 20 or 40, UDP 8, WireGuard's data message 32 bytes. In there the VXLAN goes over IPv4.
_CARRIER_OVERHEAD = {4: 60, 6: 80}

# Ethernet's own, where nobody has seen the host yet.
_ASSUMED_MTU = 1500


class Place(NamedTuple):
    """address: of the host on the underlay, written `at`. mtu: of the link that has it, 0 when never seen."""

    address: str
    mtu: int
    at: str = "inventory"


def places(inventory: Inventory, facts: Mapping[str, Facts], ledger: Ledger) -> tuple[dict[str, Place], list[Fault]]:
    """Every member's place: from the inventory, else where Ansible reached it, else remembered; and all faults."""
    faults: list[Fault] = []
    found: dict[str, Place] = {}
    for host in _members(inventory):
        if host.underlay == "":
            continue
        remembered = ledger.hosts.get(host.name)
        seen = facts.get(host.name)
        address = host.underlay or (seen and reachable(seen.reached_at)) or (remembered and remembered.underlay)
        if not address:
            message = "its address is not known: set underlay_address, or an address as ansible_host"
            faults.append(Fault("inventory", host.name, message))
            continue
        mtu = _seen_mtu(host, address, seen, faults) if seen else remembered.mtu if remembered else 0
        found[host.name] = Place(address, mtu, host.address_at)
    return found, faults + _shared(found) + _mixed(inventory, found)


def overlay_faults(overlay: Overlay, found: Mapping[str, Place]) -> list[Fault]:
    """Hosts whose own address lies within the overlay: their traffic would go into the tunnel that carries it."""
    faults = []
    own = [("cidr", overlay.cidr), ("isolated_cidr", overlay.isolated_cidr)]
    own += [("carrier.cidr", overlay.carrier.cidr)] if overlay.carrier else []
    for name, place in found.items():
        for path, cidr in own:
            if ip_address(place.address) in ip_network(cidr):
                message = f"its underlay address {place.address} lies within overlay.{path} {cidr}; choose another one"
                faults.append(Fault(place.at, name, message))
    return faults


def tunnel_mtu(overlay: Overlay, hub: Place, runner: Place) -> tuple[int, bool]:
    """(MTU of the tunnel, whether both underlay MTUs are known). The smaller underlay decides for both ends, or a
    packet that fits the one would vanish before the other."""
    known = bool(hub.mtu and runner.mtu)
    overhead = _overhead(overlay, hub)
    room = min(hub.mtu or _ASSUMED_MTU, runner.mtu or _ASSUMED_MTU) - overhead
    return (overlay.mtu or room), known


def carrier_mtu(place: Place) -> int:
    """Of the WireGuard link that the tunnels of a host run in."""
    return (place.mtu or _ASSUMED_MTU) - _CARRIER_OVERHEAD[ip_address(place.address).version]


def _overhead(overlay: Overlay, place: Place) -> int:
    """All that is around a packet of the overlay on the underlay of this host."""
    family = ip_address(place.address).version
    return _OVERHEAD[4] + _CARRIER_OVERHEAD[family] if overlay.carrier else _OVERHEAD[family]


def mtu_faults(overlay: Overlay, found: Mapping[str, Place]) -> list[Fault]:
    """A declared MTU that the underlay of some host cannot carry is a black hole; told once, for the smallest."""
    seen = {name: place for name, place in found.items() if place.mtu}
    if not overlay.mtu or not seen:
        return []
    name = min(seen, key=lambda host: (seen[host].mtu, host))
    smallest, overhead = seen[name].mtu, _overhead(overlay, seen[name])
    if overlay.mtu + overhead <= smallest:
        return []
    headers = "VXLAN and WireGuard headers" if overlay.carrier else "VXLAN headers"
    message = f"{overlay.mtu} and {overhead} bytes of {headers} do not fit the underlay MTU {smallest} of {name}"
    return [Fault("domain.yaml", "overlay.mtu", f"{message}; at most {smallest - overhead} would")]


def _members(inventory: Inventory) -> list[Host]:
    members = [runner for runner in inventory.runners if runner.mode != DEFAULT]
    return [inventory.hub, *members] if inventory.hub else members


def _seen_mtu(host: Host, address: str, facts: Facts, faults: list[Fault]) -> int:
    for uplink in facts.foreign.uplinks:
        if uplink.address.split("/")[0] == address:
            return uplink.mtu
    own = ", ".join(uplink.address for uplink in facts.foreign.uplinks) or "none"
    message = f"{address} is not an address of this host (it has {own}); set underlay_address to one of its own"
    faults.append(Fault(host.address_at, f"{host.name}: underlay_address", message))
    return 0


def _shared(found: Mapping[str, Place]) -> list[Fault]:
    holder: dict[str, str] = {}
    faults = []
    for name, place in found.items():
        if place.address in holder:
            both = f"{holder[place.address]} and {name}"
            faults.append(Fault(place.at, "underlay_address", f"{both} share {place.address}; each needs its own"))
        holder.setdefault(place.address, name)
    return faults


def _mixed(inventory: Inventory, found: Mapping[str, Place]) -> list[Fault]:
    if inventory.hub is None or inventory.hub.name not in found:
        return []
    family = ip_address(found[inventory.hub.name].address).version
    return [
        Fault(place.at, name, f"its underlay address {place.address} is not IPv{family} as the hub's is")
        for name, place in found.items()
        if ip_address(place.address).version != family
    ]
