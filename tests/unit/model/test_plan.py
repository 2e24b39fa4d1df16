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
        (broken(version=2), "the plan has version 2, this release reads version 1"),
        (broken(version="1"), "the plan has version '1', this release reads version 1"),
        (broken(surprise=1), "the plan has a HostPlan of another shape"),
        (without("host"), "the plan has a HostPlan of another shape"),
        (broken(links=5), "the plan has 5 where a list of links should be"),
        (broken(links=None), "the plan has None where a list of links should be"),
        (broken(links={}), "the plan has {} where a list of links should be"),
        (broken(links=["vxlan0"]), "the plan has 'vxlan0' where a Link should be"),
        (broken(links=[{"name": "vxlan0"}]), "the plan has a Link of another shape"),
        (broken(routes=[{"to": "10.0.0.0/8"}]), "the plan has a Route of another shape"),
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
