# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the networks that a host had to those that it gets: where packets go after every single step on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.tags import table_of
from ansible_collections.weft.overlay.plugins.module_utils.diff.objects import changes
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.route import UNICAST, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Observed, state_of
from tests.unit.diff.worlds import FOREIGN
from tests.unit.kernel.rule_walk import walk

LINKS = tuple(Link(name, BRIDGE, "weft:hub", "02:77:00:00:00:01") for name in ("one", "two"))
WAY = {4: "10.9.0.0/16", 6: "fd00:9::/64"}

# Also from a list to a tree and back.
TAGS = st.sets(st.integers(1, 254), max_size=5) | st.sampled_from(
    (set(range(1, 33)), set(range(1, 34)), {*range(10, 42), 254}, {*range(8, 40), 200, 217, 254})
)


def wanted(tags, link="one"):
    routes = [Route(destination, "", link, "") for destination in WAY.values()]
    tables = routing({str(tag): tag for tag in tags}, {str(tag): routes for tag in tags})
    links = tuple(one for one in LINKS if one.name == link)
    return state_of({kinds.LINK: links, kinds.ROUTE: tables.routes, kinds.RULE: tables.rules})


def moments(before, after):
    """The state at the beginning and after each step."""
    kernel = MemoryKernel(Observed(Capabilities(True, "none"), before, FOREIGN))
    yield kernel.observe().state
    for change in changes(after, before):
        kernel.apply([change])
        yield kernel.observe().state
    assert changes(after, kernel.observe().state) == ()


def ends(state, family):
    """By tag: where its packets end."""
    rules = [rule for rule in state[kinds.RULE].values() if rule.family == family]
    refusing = {route.table for route in state[kinds.ROUTE].values() if _default(route, family)}
    return {tag: walk(rules, tag << 24, refusing.__contains__).where for tag in range(256)}


def _default(route, family):
    return route.type != UNICAST and (":" in route.destination) == (family == 6)


def has_way(state, tag, family):
    return f"{WAY[family]} table {table_of(tag)}" in state[kinds.ROUTE]


@settings(max_examples=60, deadline=None)
@given(TAGS, TAGS, st.sampled_from((4, 6)))
def test_after_every_step_a_network_has_its_own_table_or_none(before, after, family):
    for state in moments(wanted(before), wanted(after)):
        found = ends(state, family)
        assert (found[0], found[255]) == ("past", "past"), "packets of no network go on as if there were no networks"
        for tag in range(1, 255):
            assert found[tag] in (table_of(tag), "unreachable", "past")
            if found[tag] == table_of(tag):
                assert has_way(state, tag, family), "a rule sends packets into a table that is not filled"
        # Whoever stays is never without.
        assert all(found[tag] == table_of(tag) for tag in before & after)


@settings(max_examples=60, deadline=None)
@given(TAGS, TAGS, st.sampled_from((4, 6)))
def test_as_long_as_one_network_has_a_way_nothing_with_a_tag_goes_past_our_rules(before, after, family):
    for state in moments(wanted(before), wanted(after)):
        found = {where for tag, where in ends(state, family).items() if 1 <= tag <= 254}
        if (before and after) or found & set(range(119001, 119255)):
            assert "past" not in found


@settings(max_examples=30, deadline=None)
@given(TAGS.filter(bool), TAGS.filter(bool), st.sampled_from((4, 6)))
def test_a_link_that_is_replaced_takes_ways_with_it_and_opens_no_other(before, after, family):
    """Its routes go with it; what a table then has no route for is refused there."""
    for state in moments(wanted(before), wanted(after, "two")):
        found = ends(state, family)
        assert all(found[tag] in (table_of(tag), "unreachable") for tag in range(1, 255))
        assert all(found[tag] == table_of(tag) for tag in before & after)


@pytest.mark.parametrize("family", [4, 6])
def test_when_all_networks_go_their_links_go_first_and_the_last_refusal_goes_last(family):
    before = wanted({1, 40})
    states = list(moments(before, state_of({kinds.LINK: (), kinds.ROUTE: (), kinds.RULE: ()})))
    past = [state for state in states if "past" in {ends(state, family)[tag] for tag in range(1, 255)}]
    assert all(not state[kinds.LINK] for state in past)
    assert all({rule.action for rule in state[kinds.RULE].values()} <= {"unreachable"} for state in past)
    assert states[-1][kinds.ROUTE] == states[-1][kinds.RULE] == {}


def test_the_33rd_network_is_only_put_in_front():
    todo = changes(wanted(range(1, 34)), wanted(range(1, 33)))
    assert [str(change) for change in todo] == [
        "+ route unreachable ::/0 table 119033",
        "+ route unreachable 0.0.0.0/0 table 119033",
        "+ route 10.9.0.0/16 table 119033",
        "+ route fd00:9::/64 table 119033",
        "+ routing rule ipv4 75 fwmark 0x21000000/0xff000000 lookup 119033",
        "+ routing rule ipv6 75 fwmark 0x21000000/0xff000000 lookup 119033",
        "+ routing rule ipv4 72 fwmark 0x10000000/0xf0000000 goto",
        "+ routing rule ipv4 72 fwmark 0x20000000/0xf0000000 goto",
        "+ routing rule ipv6 72 fwmark 0x10000000/0xf0000000 goto",
        "+ routing rule ipv6 72 fwmark 0x20000000/0xf0000000 goto",
    ]


def test_of_two_networks_one_goes_the_other_way_round():
    assert [str(change) for change in changes(wanted({1}), wanted({1, 2}))] == [
        "- routing rule ipv4 73 fwmark 0x2000000/0xff000000 lookup 119002",
        "- routing rule ipv6 73 fwmark 0x2000000/0xff000000 lookup 119002",
        "- route 10.9.0.0/16 table 119002",
        "- route fd00:9::/64 table 119002",
        "- route unreachable ::/0 table 119002",
        "- route unreachable 0.0.0.0/0 table 119002",
    ]


def test_a_goto_that_leads_elsewhere_is_changed_when_what_it_leads_to_is_there():
    """The kernel would take the second one for the first."""
    have = wanted({1})
    rules = {key: rule._replace(target=89) if rule.priority == 70 else rule for key, rule in have[kinds.RULE].items()}
    del rules["ipv4 90 fwmark 0x80000000/0x81000000 unreachable"]
    assert [str(change) for change in changes(have, {**have, kinds.RULE: rules})] == [
        "+ routing rule ipv4 90 fwmark 0x80000000/0x81000000 unreachable",
        "~ routing rule ipv4 70 fwmark 0x0/0xff000000 goto (target 89 → 90)",
        "~ routing rule ipv6 70 fwmark 0x0/0xff000000 goto (target 89 → 90)",
    ]
