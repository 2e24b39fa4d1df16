# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A policy within a plan: in its own spelling, a line for each value, and read back as it was."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan, from_json, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    Identity,
    NetworkName,
    NetworkTag,
    PolicyMaps,
)

MAPS = PolicyMaps(networks=(NetworkName(1, "prod"),), identities=(Identity(256, "api", 1),), tags=(NetworkTag(1, 7),))
PLAN = HostPlan("hub", HUB, policy=MAPS)


def test_a_plan_without_a_policy_does_not_speak_of_one():
    assert "policy" not in to_json(HostPlan("hub", HUB))


def test_it_is_read_back_as_it_was():
    assert from_json(to_json(PLAN)) == PLAN


def test_each_value_has_a_line():
    lines = to_json(PLAN).splitlines()
    assert '   [256, "api", 1]' in lines
    assert "   [1, 7]" in lines


def test_it_stands_in_the_order_of_keys():
    keys = list(json.loads(to_json(PLAN)))
    assert keys == sorted(keys)


def test_no_other_text_is_taken_for_its_place():
    plan = PLAN._replace(host='\n "role": ', space=('\n "role": ',))
    assert from_json(to_json(plan)) == plan


@pytest.mark.parametrize(
    "policy", [None, [], {}, {"version": 2}, {**json.loads(to_json(PLAN))["policy"], "tags": [[1]]}]
)
def test_a_damaged_one_is_refused(policy):
    document = {**json.loads(to_json(PLAN)), "policy": policy}
    with pytest.raises(PlanError):
        from_json(json.dumps(document))
