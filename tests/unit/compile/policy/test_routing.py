# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules and tables of a host's networks: by golden folders, and by a walk through the rules as the kernel does it.

Every folder of routing_cases/ is a claim: networks.json ({name: {tag, routes: [[destination, via, link]]}}), and the
rules and routes that come of it.

WEFT_REGENERATE=1 writes what was found; read it with `git diff` before you believe it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import Tables, routing
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.tags import table_of
from ansible_collections.weft.overlay.plugins.module_utils.model.marks import (
    FIRST_PRIORITY,
    LAST_PRIORITY,
    MARK_MASK,
    MARK_SHIFT,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.route import UNICAST, UNREACHABLE, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import GOTO
from tests.unit.kernel.rule_walk import walk

CASES = sorted(path for path in (Path(__file__).parent / "routing_cases").iterdir() if path.is_dir())
REGENERATE = "WEFT_REGENERATE" in os.environ

TAGS = st.sets(st.integers(1, 254), min_size=1)
# What others have in the lower bits of a mark must make no difference.
OTHERS = st.integers(0, 0x00FFFFFF)


def tables_of(tags, routes=()):
    """By tag instead of by name."""
    return routing({f"n{tag}": tag for tag in tags}, dict(routes))


def rules_of(tables, family):
    return [rule for rule in tables.rules if rule.family == family]


def spelled(route):
    via = f" via {route.via}" if route.via else ""
    return route.key() + (f"{via} dev {route.link}" if route.type == UNICAST else "")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_case(case):
    said = json.loads((case / "networks.json").read_text(encoding="utf-8"))
    found = routing(
        {name: network["tag"] for name, network in said.items()},
        {name: [Route(*route, "") for route in network.get("routes", [])] for name, network in said.items()},
    )
    lines = [rule.key() + f" {rule.target}" * (rule.action == GOTO) for rule in found.rules]
    lines += [spelled(route) for route in found.routes]
    text = "".join(f"{line}\n" for line in lines)
    if REGENERATE:
        (case / "expected.txt").write_text(text, encoding="utf-8")
    assert text == (case / "expected.txt").read_text(encoding="utf-8")


@settings(max_examples=80, deadline=None)
@given(TAGS, OTHERS, st.randoms(use_true_random=False))
def test_every_tag_leads_to_its_table_and_nowhere_else_whoever_made_the_rules_in_whatever_order(tags, other, random):
    tables = tables_of(tags)
    for family in (4, 6):
        rules = rules_of(tables, family)
        random.shuffle(rules)
        ends = {tag: walk(rules, tag << MARK_SHIFT | other).where for tag in range(256)}
        wanted = {tag: table_of(tag) if tag in tags else "unreachable" for tag in range(1, 255)}
        assert ends == {0: "past", **wanted, 255: "past"}


@settings(max_examples=40, deadline=None)
@given(TAGS, OTHERS)
def test_a_table_that_lets_a_packet_pass_gives_it_to_nobody_else(tags, other):
    """Even a table whose refusal somebody took away."""
    rules = rules_of(tables_of(tags), 4)
    assert {walk(rules, tag << MARK_SHIFT | other, lambda _table: False).where for tag in range(1, 255)} == {
        "unreachable"
    }


@settings(max_examples=80, deadline=None)
@given(TAGS)
def test_the_walk_of_a_network_is_short_and_that_of_all_others_shorter(tags):
    rules = rules_of(tables_of(tags), 4)
    assert max(walk(rules, tag << MARK_SHIFT).steps for tag in tags) <= 35
    assert walk(rules, 0).steps == 2
    assert walk(rules, 255 << MARK_SHIFT).steps == 3


@settings(max_examples=80, deadline=None)
@given(TAGS)
def test_all_rules_keep_to_our_bits_and_our_priorities_and_are_those_of_both_families(tags):
    tables = tables_of(tags)
    assert {rule.mask & ~MARK_MASK for rule in tables.rules} == {0}
    assert {rule.mark & ~rule.mask for rule in tables.rules} == {0}
    assert {FIRST_PRIORITY <= rule.priority <= LAST_PRIORITY for rule in tables.rules} == {True}
    assert [rule._replace(family=6) for rule in rules_of(tables, 4)] == rules_of(tables, 6)
    assert len({rule.key() for rule in tables.rules}) == len(tables.rules)


@settings(max_examples=80, deadline=None)
@given(TAGS)
def test_every_goto_leads_forward_to_a_priority_that_has_rules(tags):
    rules = rules_of(tables_of(tags), 4)
    places = {rule.priority for rule in rules}
    assert all(rule.target in places and rule.target > rule.priority for rule in rules if rule.action == "goto")


@settings(max_examples=80, deadline=None)
@given(TAGS)
def test_the_kernel_takes_no_rule_for_another_when_it_removes_one(tags):
    """A mark of 0 is any mark to it, and it does not look where a goto leads."""
    rules = rules_of(tables_of(tags), 4)
    seen = [(rule.priority, rule.mark, rule.mask, rule.action) for rule in rules]
    assert len(seen) == len(set(seen))
    (unmarked,) = [rule for rule in rules if rule.mark == 0]
    assert [rule for rule in rules if rule.priority == unmarked.priority] == [unmarked]


@settings(max_examples=80, deadline=None)
@given(TAGS, st.integers(1, 254))
def test_a_network_more_or_less_changes_no_rule_of_another(tags, more):
    """Also where that makes a tree of the list: it only puts gotos in front."""
    before, after = (set(tables_of(found).rules) for found in (tags - {more}, tags | {more}))
    lookups = [rule for rule in before ^ after if rule.action == "lookup"]
    assert {rule.mark >> MARK_SHIFT for rule in lookups} == {more}
    if tags - {more}:
        assert {rule.priority for rule in before ^ after if rule.action == "goto"} <= {72}
        assert not [rule for rule in before ^ after if rule.action == "unreachable"]


def test_up_to_32_networks_are_a_list_and_33_a_tree():
    def gotos(count):
        return [rule for rule in rules_of(tables_of(range(1, count + 1)), 4) if rule.priority == 72]

    assert gotos(32) == []
    assert [(rule.mark >> 24, rule.mask >> 24, rule.target) for rule in gotos(33)] == [(16, 0xF0, 74), (32, 0xF0, 75)]


def test_254_networks_are_an_even_tree():
    rules = rules_of(tables_of(range(1, 255)), 4)
    assert len(rules) == 2 + 15 + 254 + 8
    assert {walk(rules, tag << 24).where for tag in range(1, 255)} == set(range(119001, 119255))


def test_without_networks_there_is_nothing():
    assert routing({}, {}) == Tables()


def test_routes_of_a_network_have_its_table_and_no_source():
    route = Route("10.9.0.0/16", "10.1.0.1", "vxkr1", "10.0.0.1")
    assert routing({"prod": 7}, {"prod": [route]}).routes == (
        Route("0.0.0.0/0", "", "", "", 119007, UNREACHABLE),
        Route("::/0", "", "", "", 119007, UNREACHABLE),
        Route("10.9.0.0/16", "10.1.0.1", "vxkr1", "", 119007),
    )


def test_a_default_route_of_a_network_stands_beside_its_refusal():
    routes = routing({"prod": 1}, {"prod": [Route("0.0.0.0/0", "", "wg0", "")]}).routes
    assert [route.key() for route in routes] == [
        "unreachable 0.0.0.0/0 table 119001",
        "unreachable ::/0 table 119001",
        "0.0.0.0/0 table 119001",
    ]
