# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host's networks bring into its one plan, beside everything else that it is."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.merge import Part, merged
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import NetworkName, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Borrowed, Route

OVERLAY = HostPlan("hub", HUB, space=("10.0.0.0/8",), routes=(Route("10.1.0.0/16", "10.1.0.1", "vxkr1", "10.0.0.1"),))
ROUTE = OVERLAY.routes[0]


def with_part(routes, rules=()):
    plan = HostPlan("hub", HUB, routes=tuple(routes), rules=tuple(rules))
    plans, faults = merged([Part("overlay", OVERLAY), Part("networks", plan)])
    return plans["hub"], faults


def test_a_table_of_a_network_may_have_what_the_main_table_has():
    tables = routing({"prod": 1, "dev": 2}, {"prod": [ROUTE], "dev": [ROUTE._replace(link="vxkr2")]})
    plan, faults = with_part(tables.routes, tables.rules)
    assert faults == []
    assert (plan.routes, plan.rules) == (OVERLAY.routes + tables.routes, tables.rules)


@pytest.mark.parametrize("destination", ["10.1.0.0/16", "10.5.0.0/16"])
def test_in_the_main_table_it_may_not(destination):
    _plan, faults = with_part([ROUTE._replace(destination=destination)])
    assert faults != []


def test_a_policy_and_what_is_borrowed_stay_with_the_plan():
    maps = PolicyMaps(networks=(NetworkName(1, "prod"),))
    borrowed = Borrowed("192.168.20.0/24", 119001)
    plans, faults = merged(
        [Part("overlay", OVERLAY), Part("more", HostPlan("hub", HUB, policy=maps, borrowed=(borrowed,)))]
    )
    assert faults == []
    assert (plans["hub"].policy, plans["hub"].borrowed) == (maps, (borrowed,))
