# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What iproute2 says of a machine, and what a plan says it should be, in the same words."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.weft.overlay.plugins.module_utils.model.marks import LINK_GROUP, ROUTE_PROTOCOL
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan


class Look(NamedTuple):
    """links: our own, by name, as (kind, MAC, alias, VNI, remote, MTU, master). addresses: (link, address) of those.

    routes: with our protocol, as (destination, gateway, link, source). numbers: our links' indexes, by name.
    names: of all links.
    """

    links: dict[str, tuple[Any, ...]]
    addresses: set[tuple[str, str]]
    routes: set[tuple[str, ...]]
    numbers: dict[str, int]
    names: set[str]


def look(document: dict[str, Any]) -> Look:
    """What a step of LOOK printed."""
    links = [link for link in document["links"] if link.get("group") == str(LINK_GROUP) and "UP" in link["flags"]]
    ours = {link["ifname"] for link in links}
    return Look(
        {link["ifname"]: _link(link) for link in links},
        {
            (link["ifname"], f"{address['local']}/{address['prefixlen']}")
            for link in document["addresses"]
            if link.get("ifname") in ours
            for address in link["addr_info"]
        },
        {
            (route["dst"], route["gateway"], route["dev"], route["prefsrc"])
            for route in document["routes"]
            if route.get("protocol") == str(ROUTE_PROTOCOL)
        },
        {link["ifname"]: link["ifindex"] for link in links},
        {link["ifname"] for link in document["links"] if link},
    )


def _link(link: dict[str, Any]) -> tuple[Any, ...]:
    info = link["linkinfo"]
    data = info.get("info_data", {})
    tunnel = (data["id"], data["remote"]) if info["info_kind"] == "vxlan" else (None, None)
    return (info["info_kind"], link["address"], link.get("ifalias"), *tunnel, link["mtu"], link.get("master"))


def planned(plan: HostPlan, uplink: str) -> Look:
    """A host of this plan that has this uplink and nothing else. The kernel makes a dummy 1500 bytes wide."""
    return Look(
        {
            link.name: (link.kind, link.mac, link.alias, link.vni, link.remote, link.mtu or 1500, link.master)
            for link in plan.links
        },
        {(address.link, address.address) for address in plan.addresses},
        {(route.destination, route.via, route.link, route.source) for route in plan.routes},
        {},
        {"lo", uplink, *(link.name for link in plan.links)},
    )
