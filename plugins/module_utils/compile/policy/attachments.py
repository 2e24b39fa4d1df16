# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which interfaces of a host are policed, and who speaks where: from its plan, and from where everybody is.

Policed are the links of ours that serve others: the hub's tunnels, a runner's bridge and its tunnel, WireGuard
interfaces that have clients. The link of a client is policed by its server, and what the overlay is carried in, by the
tunnels inside of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ...model.link import BRIDGE, VXLAN, Link
from ...model.marks import host_of
from ...model.plan import HostPlan
from ...model.policy import (
    EVERY_NETWORK,
    LAYER_3,
    NO_ATTACHMENT,
    PEER,
    PORT,
    PORTS,
    SHADOW,
    SHARED,
    TUNNEL,
    PolicyMaps,
)
from .host import Interface
from .places import Site
from .prefix import Forest, Prefix, prefix_of


class Speech(NamedTuple):
    """Of one host. interfaces: those that are policed, by name, not numbered yet. far: those by which others come than
    who is behind this host. unpoliced: who speaks by other interfaces. addresses: the host's own. homes: all prefixes
    that live behind this host, or are its own."""

    interfaces: dict[str, Interface]
    far: frozenset[str]
    unpoliced: Interface
    addresses: tuple[str, ...]
    homes: tuple[str, ...]


def speech_of(site: Site, host: str, maps: PolicyMaps) -> Speech:
    """maps: of the domain."""
    plan = site.plans[host]
    near = dict(_near(site, plan))
    served = tuple(text for interface in near.values() for text in interface.speaks)
    own, lans = site.addresses(host), tuple(sorted(set(lans_of(site, host))))
    far = dict(_far(site, plan, (*served, *own, *lans), maps))
    # By a lan nobody speaks who has a policed interface here.
    behind = Forest(dict.fromkeys(map(prefix_of, lans)))
    silent = tuple(text for text in served if behind.around(prefix_of(text)))
    unpoliced = Interface(NO_ATTACHMENT, 0, None, (*own, *lans), silent)
    interfaces = dict(sorted({**near, **far}.items()))
    return Speech(interfaces, frozenset(far), unpoliced, own, (*served, *lans, *own))


def lans_of(site: Site, host: str) -> Iterator[str]:
    """What is behind a server: the lan of its interfaces."""
    for interface in site.intent.interfaces.values():
        if interface.server == host:
            yield from interface.lan


def _near(site: Site, plan: HostPlan) -> Iterator[tuple[str, Interface]]:
    """Interfaces with those that are behind them."""
    gates, homes = {access.link: access for access in plan.accesses}, site.homes_at(plan.host)
    spoke = site.spoke(plan.host)
    for link in plan.links:
        if link.name in gates:
            clients = (address for reach in gates[link.name].reaches for address in reach.clients)
            # By an address that others have too, only its own clients speak.
            peers = site.clients_of(link.name) if link.name in homes else None
            yield link.name, Interface(NO_ATTACHMENT, LAYER_3, peers, tuple(sorted(clients)))
        elif link.kind == VXLAN and link.master is None:
            behind = site.spoke(host_of(link.alias) or "")
            if behind is not None:
                yield link.name, Interface(NO_ATTACHMENT, TUNNEL, None, (behind.subnet,), behind.reserved)
        elif link.kind == BRIDGE and spoke is not None and link.name == spoke.bridge:
            # Neither the runner nor the hub is behind it.
            silent = (spoke.gateway, *spoke.reserved)
            yield link.name, Interface(NO_ATTACHMENT, PORTS, None, (spoke.subnet,), silent)


def _far(site: Site, plan: HostPlan, here: Iterable[str], maps: PolicyMaps) -> Iterator[tuple[str, Interface]]:
    """A runner's tunnel, by which everybody comes who is not on this host: peers from everywhere, and besides them only
    the overlay. Where several networks have an address, nothing says there which is meant, so nobody speaks."""
    tunnel, spoke = next(filter(_is_runners, plan.links), None), site.spoke(plan.host)
    if tunnel is None or spoke is None or plan.firewall is None:
        return
    local, overlay = Forest(dict.fromkeys(map(prefix_of, here))), prefix_of(plan.firewall.cidr)
    speaks, silent = [plan.firewall.cidr, *spoke.reserved], [str(prefix) for prefix in _outermost(local)]
    for scope, text, endpoint in maps.destinations:
        # Who comes by a shadow is who comes by an address of its own: aliases.py.
        if scope != EVERY_NETWORK or endpoint.flags & SHADOW or local.around(prefix_of(text)):
            continue
        if endpoint.flags & PEER:
            speaks.append(text)
        elif endpoint.flags & SHARED or not overlay.holds(prefix_of(text)):
            silent.append(text)
    yield tunnel.name, Interface(NO_ATTACHMENT, TUNNEL | PORT, None, tuple(speaks), tuple(silent))


def _outermost(prefixes: Forest[None]) -> list[Prefix]:
    return [prefix for prefix in prefixes if prefixes.around(prefix) == [prefix]]


def _is_runners(link: Link) -> bool:
    return link.kind == VXLAN and link.master is not None
