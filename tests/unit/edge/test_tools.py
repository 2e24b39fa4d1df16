# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has to be installed on a host, by what its plan has."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import KeysWanted
from ansible_collections.weft.overlay.plugins.module_utils.edge.tools import lacking
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import RUNNER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign

PLAIN = HostPlan("runner1", RUNNER)


def told(plan, *tools):
    return lacking(plan, Facts(Capabilities(True, "none", tools=tools), Foreign()), KeysWanted())


def test_libbpf_is_for_hosts_with_a_policy_alone():
    policed = PLAIN._replace(policy=PolicyMaps())
    assert told(PLAIN) == []
    assert told(policed, "wg") == ["libbpf"]
    assert told(policed, "libbpf") == []
