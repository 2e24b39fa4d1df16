# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routing rules, and routes of other tables, as iproute2 sees them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.route import (
    BLACKHOLE,
    UNREACHABLE,
    ForeignRoute,
    Route,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import GOTO, LOOKUP, ForeignRule, Rule

TAG = 0x1000000
MASK = 0xFF000000
RULE, ROUTE = "routing rule", "route"
FAMILIES = pytest.mark.parametrize("family", [4, 6])


def rules(host: Any, family: int) -> list[dict[str, Any]]:
    """Without those that every kernel begins with."""
    return [rule for rule in host.json(f"-{family} rule") if rule["protocol"] != "kernel"]


def foreign(host: Any) -> list[ForeignRule]:
    return [rule for rule in host.observe().foreign_rules if 0 < rule.priority < 32766]


@FAMILIES
def test_rules_are_made_with_all_their_attributes(host: Any, family: int) -> None:
    made = (
        Rule(family, 70, 0, MASK, GOTO, 90),
        Rule(family, 73, TAG, MASK, LOOKUP, 119001),
        Rule(family, 74, TAG, MASK, LOOKUP, 100, "wg0"),
        Rule(family, 75, 0, 0, LOOKUP, 254),
        Rule(family, 90, TAG, TAG | 0x2000000, UNREACHABLE),
    )
    host.add(RULE, *reversed(made))
    assert rules(host, family) == [
        {"priority": 70, "src": "all", "fwmark": "0", "fwmask": "0xff000000", "goto": 90, "protocol": "119"},
        {**_fwmark(73), "table": "119001", "protocol": "119"},
        {**_fwmark(74), "iif": "wg0", "iif_detached": None, "table": "100", "protocol": "119"},
        {"priority": 75, "src": "all", "table": "main", "protocol": "119"},
        {**_fwmark(90, "0x3000000"), "action": "unreachable", "protocol": "119"},
    ]
    assert rules(host, 10 - family) == []
    assert host.observe().rules == made
    host.remove(RULE, *made)
    assert rules(host, family) == []


def _fwmark(priority: int, mask: str = "0xff000000") -> dict[str, Any]:
    return {"priority": priority, "src": "all", "fwmark": "0x1000000", "fwmask": mask}


@FAMILIES
def test_a_goto_changes_where_it_leads(host: Any, family: int) -> None:
    before = Rule(family, 70, 0, MASK, GOTO, 89)
    end = Rule(family, 90, TAG, MASK, UNREACHABLE)
    host.add(RULE, before, end)
    host.change(RULE, before, before._replace(target=90))
    assert host.observe().rules == (before._replace(target=90), end)
    (rule, _end) = rules(host, family)
    assert (rule["goto"], "unresolved" in rule) == (90, False)


def test_what_is_gone_counts_as_removed(host: Any) -> None:
    host.remove(RULE, Rule(4, 73, TAG, MASK, LOOKUP, 119001), Rule(6, 90, TAG, MASK, UNREACHABLE))


@FAMILIES
def test_a_rule_like_ours_that_is_somebody_elses_stays(host: Any, family: int) -> None:
    ours = Rule(family, 73, TAG, MASK, LOOKUP, 119001)
    host.ip(f"-{family} rule add priority 73 fwmark 0x1000000/0xff000000 lookup 119001 protocol static")
    theirs = host.ip(f"-j -{family} rule")
    host.add(RULE, ours)
    assert host.observe().rules == (ours,)
    host.remove(RULE, ours)
    host.remove(RULE, ours)
    assert host.ip(f"-j -{family} rule") == theirs
    assert foreign(host) == [ForeignRule(family, 73, TAG, MASK, False, False, "lookup", 119001)]


SEEN = {
    "lookup 52": (0, 0, False, False, "lookup", 52),
    "fwmark 0x80000/0xff0000 lookup main": (0x80000, 0xFF0000, False, False, "lookup", 254),
    "not fwmark 0xca6c lookup 51820": (0xCA6C, 0xFFFFFFFF, True, False, "lookup", 51820),
    "lookup main suppress_prefixlength 0": (0, 0, False, False, "lookup", 254),
    "iif lo lookup 100": (0, 0, False, True, "lookup", 100),
    "oif lo lookup 100": (0, 0, False, True, "lookup", 100),
    "from {} lookup 100": (0, 0, False, True, "lookup", 100),
    "to {} fwmark 0x1000000/0xff000000 lookup 100": (TAG, MASK, False, True, "lookup", 100),
    "uidrange 5-6 lookup 100": (0, 0, False, True, "lookup", 100),
    "ipproto tcp dport 25 unreachable": (0, 0, False, True, "unreachable", 0),
    "tos 0x10 blackhole": (0, 0, False, True, "blackhole", 0),
    "prohibit": (0, 0, False, False, "prohibit", 0),
    "goto 32766": (0, 0, False, False, "goto", 32766),
    "l3mdev": (0, 0, False, True, "lookup", 0),
}
OF_OUR_SHAPE = ("lookup 52", "fwmark 0x80000/0xff0000 lookup main", "iif lo lookup 100", "goto 32766")


@FAMILIES
@pytest.mark.parametrize(("words", "seen"), SEEN.items(), ids=SEEN)
@pytest.mark.parametrize("protocol", ["boot", "119"])
def test_what_others_have_is_seen_as_far_as_it_matters(
    host: Any, family: int, words: str, seen: tuple[Any, ...], protocol: str
) -> None:
    """Also with our protocol's number, if it has what ours never have."""
    prefix = "192.0.2.0/24" if family == 4 else "2001:db8::/64"
    host.ip(f"-{family} rule add priority 50 {words.format(prefix)} protocol {protocol}")
    if protocol == "119" and words in OF_OUR_SHAPE:
        link = "lo" if "iif" in words else None
        assert (host.observe().rules, foreign(host)) == ((Rule(family, 50, *seen[:2], *seen[4:], link),), [])
    else:
        assert (host.observe().rules, foreign(host)) == ((), [ForeignRule(family, 50, *seen)])


def test_the_kernels_own_rules_are_seen_of_both_families(host: Any) -> None:
    seen = {(rule.family, rule.priority, rule.action, rule.target) for rule in host.observe().foreign_rules}
    assert seen == {(f, p, "lookup", t) for f, p, t in ((4, 0, 255), (4, 32766, 254), (4, 32767, 253))} | {
        (6, 0, "lookup", 255),
        (6, 32766, "lookup", 254),
    }


def test_the_first_rule_that_is_refused_is_named(host: Any) -> None:
    many = [Rule(4, 73, tag << 24, MASK, LOOKUP, 119000 + tag) for tag in range(1, 255)]
    host.ip("rule add priority 73 fwmark 0x96000000/0xff000000 lookup 119150 protocol 119")
    with pytest.raises(KernelError, match=r"^routing rule ipv4 73 fwmark 0x96000000/0xff000000 lookup 119150: File ex"):
        host.add(RULE, *many)
    with pytest.raises(KernelError, match=r"^routing rule ipv6 90 fwmark 0x0/0xff000000 goto: "):
        host.add(RULE, Rule(6, 90, 0, MASK, GOTO, 70))


@pytest.fixture
def near(host: Any) -> Any:
    host.ip("link add near type veth peer name far")
    host.batch(["link set near up", "link set far up", "addr add 198.18.0.1/24 dev near"])
    host.batch(["addr add fd00:18::1/64 dev near nodad"])
    return host


DEFAULTS = {4: "0.0.0.0/0", 6: "::/0"}
HOPS = {4: "198.18.0.9", 6: "fd00:18::9"}


@FAMILIES
@pytest.mark.parametrize("kind", [UNREACHABLE, BLACKHOLE])
def test_a_refusal_stands_behind_the_default_route_of_its_table(near: Any, family: int, kind: str) -> None:
    refusal = Route(DEFAULTS[family], "", "", "", 119001, kind)
    default = Route(DEFAULTS[family], HOPS[family], "near", "", 119001)
    near.add(ROUTE, refusal, default)
    assert set(near.observe().routes) == {refusal, default}
    shown = {route["type"]: route for route in near.json(f"-{family} route show table 119001")}
    assert shown[kind]["metric"] == 4294967295
    assert shown["unicast"]["gateway"] == HOPS[family]
    assert {route["protocol"] for route in shown.values()} == {"119"}
    # Each is removed for itself.
    near.remove(ROUTE, refusal)
    assert near.observe().routes == (default,)
    near.add(ROUTE, refusal)
    near.remove(ROUTE, default)
    assert near.observe().routes == (refusal,)
    near.remove(ROUTE, refusal)
    near.remove(ROUTE, refusal)
    assert near.ip(f"-{family} route show table all proto 119") == ""


@FAMILIES
def test_a_route_of_a_table_changes_without_touching_the_main_tables(near: Any, family: int) -> None:
    destination = "10.9.0.0/16" if family == 4 else "fd00:9::/64"
    before = Route(destination, HOPS[family], "near", "", 119001)
    main = before._replace(table=254)
    near.add(ROUTE, before, main)
    after = before._replace(via=HOPS[family].replace("9", "7"))
    near.change(ROUTE, before, after)
    assert set(near.observe().routes) == {after, main}
    near.remove(ROUTE, after)
    assert near.observe().routes == (main,)


@FAMILIES
def test_what_others_have_in_our_tables_is_seen_and_stays(near: Any, family: int) -> None:
    destination = "10.9.0.0/16" if family == 4 else "fd00:9::/64"
    ip = f"-{family} route add"
    near.ip(f"{ip} {destination} via {HOPS[family]} table 119001 metric 50")
    near.ip(f"{ip} unreachable default table 119254")
    near.ip(f"{ip} blackhole default table 119254 metric 77 proto 119")
    near.ip(f"{ip} unreachable default table 119255")
    near.ip(f"{ip} {destination} via {HOPS[family]} table 52")
    before = near.ip(f"-j -{family} route show table all")
    seen = near.observe()
    nowhere, last = (None, 0) if family == 4 else ("lo", 1024)
    assert set(seen.foreign_tables) == {
        ForeignRoute(destination, "near", 119001, HOPS[family], 50),
        ForeignRoute(DEFAULTS[family], nowhere, 119254, "", last, UNREACHABLE),
        ForeignRoute(DEFAULTS[family], nowhere, 119254, "", 77, BLACKHOLE),
    }
    assert seen.routes == ()
    assert all(route.table == 254 for route in seen.foreign_routes)
    ours = Route(destination, HOPS[family], "near", "", 119001)
    refusal = Route(DEFAULTS[family], "", "", "", 119254, BLACKHOLE)
    near.add(ROUTE, ours, refusal)
    near.remove(ROUTE, ours, refusal)
    assert near.ip(f"-j -{family} route show table all") == before


@FAMILIES
def test_routes_of_a_table_outside_of_our_numbers_are_ours_by_their_protocol(near: Any, family: int) -> None:
    """So they can be removed, should the numbers ever change."""
    near.ip(f"-{family} route add default via {HOPS[family]} table 4711 proto 119")
    (route,) = near.observe().routes
    assert route == Route(DEFAULTS[family], HOPS[family], "near", "", 4711)
    near.remove(ROUTE, route)
    assert near.observe().routes == ()
