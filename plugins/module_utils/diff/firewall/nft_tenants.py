# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tenants with the same addresses in our nftables table: what tenants.py tells of, as rules."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.access import Access
from ...model.marks import MARK_MASK, MARK_SHIFT
from .nft import Chain, Rules, set_of
from .rules import IPV4, IPV6, networks
from .tenants import Tenants, Twin

_HEADERS = ((IPV4, "ip"), (IPV6, "ip6"))
_OTHERS = f"{~MARK_MASK & 0xFFFFFFFF:#010x}"
_OURS = f"{MARK_MASK:#010x}"


def chains(tenants: Tenants, accesses: tuple[Access, ...]) -> tuple[Chain, ...]:
    found = []
    tracking = (*_untracked(tenants), *_zones(tenants, accesses))
    if tracking:
        found.append(Chain("tenant_tracking", "type filter hook prerouting priority raw; policy accept;", tracking))
    if tenants.twins:
        back = tuple(("answer to its tenant", f"ct direction reply {_back(twin)}") for twin in tenants.twins)
        kept = tuple(("whose it is", _keep(twin)) for twin in tenants.twins)
        found += [
            Chain("tenant_marks", "type filter hook prerouting priority mangle; policy accept;", (*kept, *back)),
            Chain("tenant_answers", "type route hook output priority mangle; policy accept;", back),
            # Without any NAT the kernel would drop the second conversation rather than give it another port.
            Chain("tenant_ports", "type nat hook postrouting priority srcnat; policy accept;", ()),
        ]
    return tuple(found)


def by_shadow(tenants: Tenants) -> tuple[str, ...]:
    """Matches for what was translated, of each family that there is."""
    found = ((header, networks(tenants.shadows, family)) for family, header in _HEADERS)
    return tuple(f"{header} saddr {set_of(shadows)}" for header, shadows in found if shadows)


def of_network(tag: int) -> str:
    return f"meta mark & {_OURS} == {_mark(tag)}"


def _mark(tag: int) -> str:
    return f"{tag << MARK_SHIFT:#010x}"


def _untracked(tenants: Tenants) -> Iterator[tuple[str, str]]:
    """But for what is for the host itself, and for who is behind other links: there answers are translated later. To
    nft's zones what is not tracked is new, so they must not see it."""
    for family, header in _HEADERS:
        shadows, behind = networks(tenants.shadows, family), networks(tenants.behind, family)
        if shadows and behind:
            match = f"{header} saddr {set_of(shadows)} {header} daddr {set_of(behind)}"
            yield "translated both ways", f"{match} fib daddr type != local notrack accept"


def _zones(tenants: Tenants, accesses: tuple[Access, ...]) -> Rules:
    subnets = {access.link: access.subnets for access in accesses}
    return tuple(rule for twin in tenants.twins for rule in _zone(twin, subnets[twin.link]))


def _zone(twin: Twin, subnets: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The first that fits counts: what is in a zone stays there."""
    came, one_way = f'iifname "{twin.link}"', f"ct original zone set {twin.zone()}"
    yield "tenant to the host", f"{came} fib daddr type local {one_way}"
    for family, header in _HEADERS:
        own = networks(subnets, family)
        if own:
            yield "tenant to itself", f"{came} {header} daddr {set_of(own)} ct zone set {twin.zone()}"
    yield "tenant to others", f"{came} {one_way}"


def _keep(twin: Twin) -> str:
    mark = f"ct mark set ct mark & {_OTHERS} | {_mark(twin.tag)}"
    return f'iifname "{twin.link}" {of_network(twin.tag)} ct direction original {mark}'


def _back(twin: Twin) -> str:
    mark = _mark(twin.tag)
    return f"ct mark & {_OURS} == {mark} meta mark set meta mark & {_OTHERS} | {mark}"
