# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who sends denials and who collects them survives the way as JSON; a plan without either has the bytes it had."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS, HostPlan, from_json, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Audit, Collector

PLAN = HostPlan(
    "nas1",
    NAS,
    policy=PolicyMaps(),
    audit=Audit(("192.0.2.1", "2001:db8::1"), 5515, "PEM\n"),
    collector=Collector(("192.0.2.1",), 5515, "/srv/weft", (("hub1", "PEM\n"), ("nas1", "PEM 2\n")), ("192.0.2.9",)),
)


@pytest.mark.parametrize("plan", [PLAN, PLAN._replace(audit=None), PLAN._replace(collector=None, policy=None)])
def test_it_comes_back_as_it_was(plan):
    text = to_json(plan)
    assert from_json(text) == plan
    assert to_json(from_json(text)) == text


def test_a_plan_without_it_has_no_word_of_it():
    assert not {"audit", "collector"} & set(json.loads(to_json(HostPlan("nas1", NAS))))


@pytest.mark.parametrize("hosts", [["hub1"], [["hub1"]], 5, [["hub1", "PEM", "more"]]])
def test_hosts_of_another_shape_are_refused(hosts):
    document = json.loads(to_json(PLAN))
    document["collector"]["hosts"] = hosts
    with pytest.raises(PlanError, match="hosts with their certificates"):
        from_json(json.dumps(document))


def test_what_is_collected_lies_below_the_store():
    assert PLAN.collector.folder == "/srv/weft/audit"
