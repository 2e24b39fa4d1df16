# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan has one spelling, and nothing but a plan is read as one."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan, runner_plan
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, from_json, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.route import UNREACHABLE, Borrowed, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import LOOKUP, Rule
from tests.unit.diff.worlds import OVERLAYS, plans

SPOKE = Spoke("runner1", 1, "192.0.2.1", 1450)
HUB = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", (SPOKE,))
RUNNER = runner_plan(OVERLAYS[0], SPOKE, "hub", "192.0.2.250")
EMPTY = HostPlan('hüb \u2028 "quoted"', "hub")


@settings(max_examples=100, deadline=None)
@given(plans())
def test_what_is_written_is_read_back_and_written_the_same(plan):
    text = to_json(plan)
    assert from_json(text) == plan
    assert to_json(from_json(text)) == text


@pytest.mark.parametrize("plan", [HUB, RUNNER, EMPTY], ids=["hub", "runner", "empty"])
def test_the_spelling_is_canonical(plan):
    text = to_json(plan)
    assert text.endswith("}\n")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert from_json(text) == plan


def test_a_plan_without_networks_has_the_bytes_that_it_had_before_there_were_any():
    document = json.loads(to_json(HUB))
    assert "rules" not in document
    assert [sorted(route) for route in document["routes"]] == [["destination", "link", "source", "via"]]


def test_a_plan_from_before_there_were_networks_means_the_same():
    text = to_json(HUB)
    plan = from_json(text)
    assert (plan, plan.rules, to_json(plan)) == (HUB, (), text)
    assert {(route.table, route.type) for route in plan.routes} == {(254, "unicast")}


def test_of_a_table_and_a_rule_only_what_is_not_as_ever_is_written():
    refusal, way = Route("::/0", "", "", "", 119001, UNREACHABLE), Route("fd00::/64", "", "wg0", "", 119001)
    plan = EMPTY._replace(routes=(refusal, way), rules=(Rule(6, 73, 1 << 24, 0xFF << 24, LOOKUP, 119001),))
    assert from_json(to_json(plan)) == plan
    first, second = json.loads(to_json(plan))["routes"]
    assert (first["table"], first["type"]) == (119001, "unreachable")
    assert (second["table"], "type" in second) == (119001, False)


def test_an_mtu_is_written_where_there_is_one_and_read_again():
    route = Route("10.2.0.0/16", "", "wg0", "", 119001, mtu=1300)
    wishes = (Borrowed("0.0.0.0/0", 119001), Borrowed("10.7.0.0/16", 119001, 1300, missed=True))
    plan = EMPTY._replace(routes=(route, route._replace(mtu=0, table=119002)), borrowed=wishes)
    assert from_json(to_json(plan)) == plan
    document = json.loads(to_json(plan))
    assert [one.get("mtu") for one in document["routes"]] == [1300, None]
    assert document["borrowed"] == [
        {"destination": "0.0.0.0/0", "table": 119001},
        {"destination": "10.7.0.0/16", "table": 119001, "mtu": 1300, "missed": True},
    ]


def broken(**fields):
    return json.dumps({**json.loads(to_json(RUNNER)), **fields})


def without(name):
    return json.dumps({key: value for key, value in json.loads(to_json(RUNNER)).items() if key != name})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the plan is not JSON"),
        (to_json(RUNNER)[:-10], "the plan is not JSON"),
        ("[" * 100_000, "the plan is not JSON"),
        ("[]", "the plan is not a JSON object"),
        ("null", "the plan is not a JSON object"),
        ("{}", "the plan has version None, this release reads version 1"),
        (
            broken(version=2),
            "the plan has version 2, which is newer than this weft.overlay reads (1); install a newer collection",
        ),
        (broken(version=0), "the plan has version 0, this release reads version 1"),
        (broken(version="1"), "the plan has version '1', this release reads version 1"),
        (broken(surprise=1), "the plan has a HostPlan of another shape"),
        (without("host"), "the plan has a HostPlan of another shape"),
        (broken(links=5), "the plan has 5 where a list of links should be"),
        (broken(links=None), "the plan has None where a list of links should be"),
        (broken(links={}), "the plan has {} where a list of links should be"),
        (broken(links=["vxlan0"]), "the plan has 'vxlan0' where a Link should be"),
        (broken(links=[{"name": "vxlan0"}]), "the plan has a Link of another shape"),
        (broken(routes=[{"to": "10.0.0.0/8"}]), "the plan has a Route of another shape"),
        (broken(rules=[{"family": 4}]), "the plan has a Rule of another shape"),
        (broken(firewall=[]), "the plan has [] where a Firewall should be"),
        (broken(firewall={"cidr": "10.0.0.0/8"}), "the plan has a Firewall of another shape"),
    ],
)
def test_anything_else_is_refused(text, reason):
    with pytest.raises(PlanError) as caught:
        from_json(text)
    assert str(caught.value).startswith(reason)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(HostPlan._fields)), JSON))
def test_whatever_is_in_it_a_plan_is_read_or_refused(fields):
    with contextlib.suppress(PlanError):
        from_json(broken(**fields))
