# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The heart of a run: wanted against observed objects gives the changes, in the order they are safe in."""

from __future__ import annotations

from typing import Any

from ..model import state as kinds
from ..model.change import ADD, CHANGE, REMOVE, Change
from ..model.link import Link, fixed_differences
from ..model.route import MAIN_TABLE, UNICAST, alike
from ..model.state import State
from ..model.sysctl import ALWAYS, carried, leader
from .fields import differing

# Not a kind of its own: a route outside of the main table, on its way out.
_TABLED = "route of another table"

# The order of a transaction, and why:
# 0. What a thing of others was is remembered before it is changed, and forgotten when it is given back.
# 1. The filter stands before anything that it filters is opened. So does the policy: its maps are filled, and judge in
#    place of those before, when the first of its interfaces is there.
# 2. What goes, goes before what comes: a VNI or an address can then move from one link to another.
# 3. Links carry addresses, addresses are the source of routes. A WireGuard device has its key and peers before that.
#    Policed ones follow their links at once: the kernel room makes both in one, programs first, and then the link up.
# 4. A peer that takes over another's AllowedIPs has them before the other goes: no packet falls between.
# 5. No rule sends packets into a table that is not filled: its refusal of all else, its routes, then rules. The other
#    way round when it goes; new rules stand before old ones go, so who keeps its table is never without. All of it
#    after links have gone: what comes in by one of those meets the rules until the end.
# 6. Forwarding is switched on when the rest is in place; links that listen to routers are told before it. On its way
#    off, what it takes along is set after it.
# 7. A filter that is no longer wanted goes only when what it filtered is gone.
# 8. Files of clients follow what the device says; those of a client that is gone have its key, and so go late.
# 9. The stored plan is near the end: a host that dies half way boots the plan before this one, whole.
# 10. Services run what is stored. What they need goes after them: hooks are released when nobody puts programs there
#     any more, and when nothing leads to them; then maps go, that nobody reads any more.
_ORDER = (
    (ADD, kinds.ORIGIN),
    (CHANGE, kinds.ORIGIN),
    (ADD, kinds.RULESET),
    (CHANGE, kinds.RULESET),
    (ADD, kinds.FIREWALLD_POLICY),
    (CHANGE, kinds.FIREWALLD_POLICY),
    (ADD, kinds.POLICY),
    (CHANGE, kinds.POLICY),
    (REMOVE, kinds.ROUTE),
    (REMOVE, kinds.ADDRESS),
    (REMOVE, kinds.LINK),
    (ADD, kinds.LINK),
    (CHANGE, kinds.LINK),
    (ADD, kinds.POLICED),
    (CHANGE, kinds.POLICED),
    (REMOVE, kinds.DEVICE),
    (ADD, kinds.DEVICE),
    (CHANGE, kinds.DEVICE),
    (CHANGE, kinds.PEER),
    (ADD, kinds.PEER),
    (REMOVE, kinds.PEER),
    (CHANGE, kinds.ADDRESS),
    (ADD, kinds.ADDRESS),
    (CHANGE, kinds.ROUTE),
    (ADD, kinds.ROUTE),
    (ADD, kinds.RULE),
    (CHANGE, kinds.RULE),
    (REMOVE, kinds.RULE),
    (REMOVE, _TABLED),
    (ADD, kinds.ZONE),
    (CHANGE, kinds.ZONE),
    (ADD, kinds.DIRECT),
    (CHANGE, kinds.DIRECT),
    (ADD, kinds.SYSCTL),
    (CHANGE, kinds.SYSCTL),
    (REMOVE, kinds.DIRECT),
    (REMOVE, kinds.ZONE),
    (REMOVE, kinds.FIREWALLD_POLICY),
    (REMOVE, kinds.RULESET),
    (ADD, kinds.CLIENT),
    (CHANGE, kinds.CLIENT),
    (REMOVE, kinds.SERVICE),
    (REMOVE, kinds.POLICED),
    (REMOVE, kinds.POLICY),
    (REMOVE, kinds.ORIGIN),
    (ADD, kinds.PROGRAM),
    (CHANGE, kinds.PROGRAM),
    (ADD, kinds.FILE),
    (CHANGE, kinds.FILE),
    (REMOVE, kinds.FILE),
    (REMOVE, kinds.PROGRAM),
    (REMOVE, kinds.CLIENT),
    (ADD, kinds.SERVICE),
    (CHANGE, kinds.SERVICE),
)
_RANK = {step: rank for rank, step in enumerate(_ORDER)}


def changes(wanted: State, have: State) -> tuple[Change, ...]:
    """Every change that turns `have` into `wanted`, in the order to apply them; empty when nothing differs.

    A kind that `wanted` does not name at all is out of scope; one that it names empty is to be emptied.
    """
    remade = _remade(wanted, have)
    have = _after_switching(_after_losing(have, remade | _surplus(wanted, have), wanted), wanted)
    found = [
        change
        for kind in kinds.KINDS
        if kind in wanted
        for change in _of_kind(kind, wanted.get(kind, {}), have.get(kind, {}), remade if kind == kinds.LINK else set())
    ]
    return tuple(sorted(found, key=_place))


def _of_kind(kind: str, wanted: dict[str, Any], have: dict[str, Any], remade: set[str]) -> list[Change]:
    found = []
    for key, value in wanted.items():
        if key in remade:
            fields = ", ".join(fixed_differences(have[key], value))
            found.append(Change(REMOVE, kind, key, have[key], None, f"made anew: {fields} cannot change in place"))
            found.append(Change(ADD, kind, key, None, value))
        elif key not in have:
            found.append(Change(ADD, kind, key, None, value))
        else:
            changed = differing(have[key], value)
            if changed:
                found.append(Change(CHANGE, kind, key, have[key], value, _reason(have[key], value, changed)))
    # A host-wide switch belongs to everybody: without a wish of ours it stays as it is.
    if kind != kinds.SYSCTL:
        found += [Change(REMOVE, kind, key, value, None) for key, value in have.items() if key not in wanted]
    return found


def _reason(before: Any, after: Any, fields: tuple[str, ...]) -> str:
    """`mtu 1450 → 1430`; long values (texts, signatures) are only named."""
    parts = []
    for field in fields:
        old, new = getattr(before, field), getattr(after, field)
        short = all(not isinstance(value, tuple) and len(str(value)) <= 40 for value in (old, new))
        parts.append(f"{field} {old} → {new}" if short else field)
    return ", ".join(parts)


def _remade(wanted: State, have: State) -> set[str]:
    """Names of links that exist but whose fixed attributes differ."""
    links = have.get(kinds.LINK, {})
    return {
        name
        for name, link in wanted.get(kinds.LINK, {}).items()
        if name in links and fixed_differences(links[name], link)
    }


def _surplus(wanted: State, have: State) -> set[str]:
    """Names of links that are to go."""
    links = have.get(kinds.LINK, {})
    return set(links) - set(wanted.get(kinds.LINK, links))


def _falling(wanted: State, have: State) -> set[str]:
    """Names of links that are to be down and are up: their routes go, and nothing else of them."""
    links = have.get(kinds.LINK, {})
    return {name for name, link in wanted.get(kinds.LINK, {}).items() if not link.up and name in links}


def _after_losing(have: State, lost: set[str], wanted: State) -> State:
    """What the kernel leaves of `have` once the links `lost` and the addresses not in `wanted` are deleted, and links
    that are to be down are down.

    A link takes its addresses, routes, programs, key and peers with it and frees its ports; an address takes every
    route with it whose preferred source it was, unless the host has it a second time (fib_sync_down_addr).
    """
    addresses = have.get(kinds.ADDRESS, {})
    keep = wanted.get(kinds.ADDRESS, addresses)
    staying = {key for key, value in addresses.items() if value.link not in lost and keep.get(key) == value}
    sources = {value.address.split("/")[0] for key, value in addresses.items() if key not in staying}
    sources -= {addresses[key].address.split("/")[0] for key in staying}
    silent = lost | _falling(wanted, have)
    if not silent and not sources:
        return have
    return {
        **have,
        **{kind: _on_others(have.get(kind, {}), lost) for kind in (kinds.DEVICE, kinds.PEER)},
        kinds.POLICED: {name: value for name, value in have.get(kinds.POLICED, {}).items() if name not in lost},
        kinds.ADDRESS: _on_others(addresses, lost),
        kinds.ROUTE: {
            key: left[0]._replace(beside=tuple(left[1:]))
            for key, value in have.get(kinds.ROUTE, {}).items()
            if (left := [one for one in alike(value) if one.link not in silent and one.source not in sources])
        },
        kinds.LINK: {key: _freed(value, lost) for key, value in have.get(kinds.LINK, {}).items()},
    }


def _after_switching(have: State, wanted: State) -> State:
    """What the kernel makes of the switches of links when host-wide ones are changed."""
    seen = have.get(kinds.SYSCTL, {})
    switched = [value for name, value in wanted.get(kinds.SYSCTL, {}).items() if seen.get(name, value) != value]
    found = {
        name: switch._replace(value=value)
        for leading in switched
        for name, switch in seen.items()
        if (value := carried(leading, name)) is not None
    }
    return {**have, kinds.SYSCTL: {**seen, **found}} if found else have


def _freed(link: Link, lost: set[str]) -> Link:
    """A link that stays, of no bridge that goes."""
    stays = link.name not in lost and link.master in lost
    return link._replace(master=None, gated=False, far=None) if stays else link


def _on_others(values: dict[str, Any], lost: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value.link not in lost}


def _place(change: Change) -> tuple[int, int, int, str]:
    """Rank of the step and place within it; then in the order of numbers in the keys."""
    return (_RANK[_step(change)], _within(change), len(change.key), change.key)


def _step(change: Change) -> tuple[str, str]:
    if change.kind == kinds.ROUTE and change.action == REMOVE and change.before.table != MAIN_TABLE:
        return REMOVE, _TABLED
    return change.action, change.kind


def _within(change: Change) -> int:
    """A bridge before its ports. Of rules, those that packets meet last are made first and removed last: what a goto
    leads to is there, and the last ones refuse what the others do not know. So it is with a table's refusal."""
    if change.kind == kinds.LINK:
        return int(getattr(change.after, "master", None) is not None)
    if change.kind == kinds.SYSCTL:
        return 0 if change.after.value == ALWAYS else 1 if leader(change.key) is None else 2
    if change.kind == kinds.RULE:
        priority: int = (change.after or change.before).priority
        return -priority if change.action == ADD else priority
    if change.kind == kinds.ROUTE and change.action != CHANGE:
        leads: bool = (change.after or change.before).type == UNICAST
        return int(leads == (change.action == ADD))
    return 0
