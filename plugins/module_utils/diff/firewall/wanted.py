# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the policy of a host to the objects that its own firewall has to hold.

Of the overlay each back end says the same five things:

1. tunnel   VXLAN with one of our VNIs only from that tunnel's own remote. Judged at INPUT and not earlier: only there
            are fragments reassembled for certain, and a first fragment too short to show a VNI would pass before.
            Where the tunnels have a carrier, by that link alone, and by that link nothing else.
2. source   what comes in by our links has a source of the overlay that is routed back by that same link.
3. scope    what is forwarded stays inside the overlay, or is a container's own way to the internet and back.
4. accept   what passed 3 is accepted where another firewall would refuse it; nothing else is.
5. way back overlay to internet is masqueraded on runners, and a runner sends its containers no ICMP redirect: a path
            past the gateway in one direction only would show its connection tracking half of each flow.

Whether a container may talk to the services of its own host is left to that host's firewall.

And of the clients of a WireGuard interface, in both address families:

1. access   a client is judged where its packet comes in, by its source and by the destination that it wrote there:
            before anybody's DNAT, and at once for what is forwarded and for what is the server's own. Always, also
            within an open flow: a client that may reach less from now on must not keep what it has open.
2. leave    towards clients goes what answers them, and what neighbours send; what the host itself sends is its own.
3. segments TCP's maximum segment size fits into the tunnel.
4. accept   what passed 1 and 2 is accepted where another firewall would refuse it, and so are WireGuard's ports.
5. NAT      what leaves to the internet, or everything, leaves with the server's own address.

Where denials of other hosts are collected, those may reach the port of that, past 1 too (collecting.py).

Where tenants have the same addresses, tenants.py says what they need besides.

WireGuard's links are known by their names, as wireguard-go's have no mark in their first moment.
"""

from __future__ import annotations

from typing import Union

from ...model.access import Access
from ...model.firewall import (
    FIREWALLD,
    IPTABLES_LEGACY,
    IPTABLES_NFT,
    DirectRule,
    Firewall,
    FirewalldPolicy,
    Ruleset,
    ZoneInterface,
)
from ...model.sending import Collector
from . import (
    collecting,
    firewalld,
    iptables,
    iptables_access,
    iptables_overlay,
    iptables_tenants,
    nft,
    nft_access,
    nft_overlay,
    nft_tenants,
)
from .rules import IPV4, IPV6
from .tenants import NO_TENANTS, Tenants

Object = Union[Ruleset, FirewalldPolicy, ZoneInterface, DirectRule]


def desired(
    firewall: Firewall | None,
    accesses: tuple[Access, ...],
    backend: str,
    collector: Collector | None = None,
    ipv6: bool = True,
    tenants: Tenants = NO_TENANTS,
) -> tuple[Object, ...]:
    """The objects for a host that filters with ``backend`` (Capabilities.firewall); none where there is no policy.
    ipv6: whether it has IPv6.

    Our own nftables table serves where firewalld runs (it survives a reload or restart of firewalld and of Docker)
    and where there is nothing but nft.
    """
    if firewall is None and not accesses and collector is None:
        return ()
    gates = tuple(sorted(access._replace(reaches=tuple(sorted(access.reaches))) for access in accesses))
    if backend in {IPTABLES_NFT, IPTABLES_LEGACY}:
        return (iptables.ruleset(_iptables(firewall, gates, collector, ipv6, tenants), backend),)
    overlay = nft_overlay.chains(firewall, tenants) if firewall else ()
    chains = (
        *overlay,
        *nft_tenants.chains(tenants, gates),
        *nft_access.chains(gates, collector, tenants),
    )
    tables = (nft.ruleset(chains),) if chains else ()
    if backend != FIREWALLD:
        return tables
    return (*tables, *firewalld.objects(firewall, gates, collector, tenants))


def _iptables(
    firewall: Firewall | None,
    accesses: tuple[Access, ...],
    collector: Collector | None,
    ipv6: bool,
    tenants: Tenants,
) -> dict[str, tuple[iptables.Chain, ...]]:
    """Chains by tool; a tool that has nothing to say is not run, as a host may lack IPv6."""
    found = {}
    for tool, family in (("iptables", IPV4), ("ip6tables", IPV6)):
        overlay = iptables_overlay.chains(firewall, family.ipv6, tenants) if firewall else ()
        apart = iptables_tenants.chains(tenants, accesses, family)
        gates = iptables_access.chains(firewall, accesses, family, collector, tenants)
        # Containers may speak IPv6 on a host whose plan has none; one that lacks it may lack its tables too.
        frames = iptables_overlay.frames(firewall) if firewall and (ipv6 or not family.ipv6) else ()
        denials = collecting.iptables_chains(collector, family)
        found[tool] = (*overlay, *frames, *apart, *gates, *denials)
    return {tool: chains for tool, chains in found.items() if chains}
