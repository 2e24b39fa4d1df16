# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the policy of a host to the objects that its own firewall has to hold.

What each back end says is the same five things, each in its own file:

1. tunnel   VXLAN with one of our VNIs only from that tunnel's own remote. Judged at INPUT and not earlier: only there
            are fragments reassembled for certain, and a first fragment too short to show a VNI would pass before.
2. source   what comes in by our links has a source of the overlay that is routed back by that same link.
3. scope    what is forwarded stays inside the overlay, or is a container's own way to the internet and back.
4. accept   what passed 3 is accepted where another firewall would refuse it; nothing else is.
5. way back overlay to internet is masqueraded on runners, and a runner sends its containers no ICMP redirect: a path
            past the gateway in one direction only would show its connection tracking half of each flow.

Whether a container may talk to the services of its own host is left to that host's firewall.
"""

from __future__ import annotations

from typing import Union

from ..model.firewall import (
    FIREWALLD,
    IPTABLES_LEGACY,
    IPTABLES_NFT,
    DirectRule,
    Firewall,
    FirewalldPolicy,
    Ruleset,
    ZoneInterface,
)
from . import firewall_firewalld, firewall_iptables, firewall_nft

Object = Union[Ruleset, FirewalldPolicy, ZoneInterface, DirectRule]


def desired(firewall: Firewall | None, backend: str) -> tuple[Object, ...]:
    """The objects for a host that filters with ``backend`` (Capabilities.firewall); none where there is no policy.

    Our own nftables table serves where firewalld runs (it survives a reload or restart of firewalld and of Docker)
    and where there is nothing but nft.
    """
    if firewall is None:
        return ()
    if backend in {IPTABLES_NFT, IPTABLES_LEGACY}:
        return (firewall_iptables.ruleset(firewall, backend),)
    table = firewall_nft.ruleset(firewall)
    if backend != FIREWALLD:
        return (table,)
    return (table, *firewall_firewalld.objects(firewall))
