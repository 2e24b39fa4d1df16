# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tenants with the same addresses in iptables: what tenants.py tells of, as rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.access import Access
from ...model.marks import CHAIN_PREFIX, MARK_MASK, MARK_SHIFT
from .iptables import LAST, Chain, Rule
from .rules import Family, networks
from .tenants import Tenants, Twin

_TRACKING = CHAIN_PREFIX + "TRACKING"
_MARKS = CHAIN_PREFIX + "MARKS"
_BACK = CHAIN_PREFIX + "BACK"
_PORTS = CHAIN_PREFIX + "PORTS"

_NOT_LOCAL = "-m addrtype ! --dst-type LOCAL"


def chains(tenants: Tenants, accesses: tuple[Access, ...], family: Family) -> tuple[Chain, ...]:
    found = []
    tracking = (*_untracked(tenants, family), *_zones(tenants, accesses, family))
    if tracking:
        found.append(Chain("raw", _TRACKING, tracking, "PREROUTING"))
    if tenants.twins:
        kept = (Rule("whose it is", *_keep(twin)) for twin in tenants.twins)
        back = (Rule("answer to its tenant", *_back(twin)) for twin in tenants.twins)
        found.append(Chain("mangle", _MARKS, (*kept, Rule("answers", "", f"-g {_BACK}")), "PREROUTING"))
        found.append(Chain("mangle", _BACK, tuple(back), "OUTPUT"))
        # Without any NAT the kernel would drop the second conversation rather than give it another port.
        found.append(Chain("nat", _PORTS, (Rule("a port for each", "", "-j RETURN"),), "POSTROUTING", how=LAST))
    return tuple(found)


def by_shadow(tenants: Tenants, family: Family, accesses: Iterable[Access]) -> Iterator[str]:
    """Matches for what was translated, and came in by one of these."""
    for access in accesses:
        for shadow in networks(tenants.shadows, family):
            yield f"-i {access.link} -s {shadow}"


def of_network(tag: int) -> str:
    return f"-m mark --mark {_mark(tag)}"


def _mark(tag: int) -> str:
    return f"{tag << MARK_SHIFT:#x}/{MARK_MASK:#x}"


def _untracked(tenants: Tenants, family: Family) -> Iterator[Rule]:
    """But for what is for the host itself, and for who is behind other links: there answers are translated later."""
    for shadow in networks(tenants.shadows, family):
        for behind in networks(tenants.behind, family):
            yield Rule("translated both ways", f"-s {shadow} -d {behind} {_NOT_LOCAL}", "-j CT --notrack")


def _zones(tenants: Tenants, accesses: tuple[Access, ...], family: Family) -> Iterator[Rule]:
    """The first that fits counts: what is in a zone stays there."""
    subnets = {access.link: access.subnets for access in accesses}
    for twin in tenants.twins:
        for own in networks(subnets[twin.link], family):
            match = f"-i {twin.link} -d {own} {_NOT_LOCAL}"
            yield Rule("tenant to itself", match, f"-j CT --zone {twin.zone()}")
        yield Rule("tenant to others", f"-i {twin.link}", f"-j CT --zone-orig {twin.zone()}")


def _keep(twin: Twin) -> tuple[str, str]:
    return (
        f"-i {twin.link} {of_network(twin.tag)} -m conntrack --ctdir ORIGINAL",
        f"-j CONNMARK --set-xmark {_mark(twin.tag)}",
    )


def _back(twin: Twin) -> tuple[str, str]:
    mark = _mark(twin.tag)
    return f"-m conntrack --ctdir REPLY -m connmark --mark {mark}", f"-j MARK --set-xmark {mark}"
