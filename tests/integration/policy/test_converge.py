# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a plan with a policy to packets that are judged, and back to a host without a trace of it."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import BPFFS, is_mounted
from tests.integration.policy.town import LINKS, NOTHING, OPEN, SHUT, Town, answers, plan


def test_a_plan_with_a_policy_is_carried_out_where_not_even_bpffs_was_mounted(town: Town) -> None:
    assert not is_mounted(BPFFS)
    changes = town.changes(plan(OPEN))
    assert changes[:5] == [
        "+ policy policy",
        "+ link bridge",
        "+ link vxlan0",
        "+ policed interface bridge",
        "+ policed interface vxlan0",
    ]
    assert is_mounted(BPFFS)
    for link in LINKS:
        assert [found.split()[0] for found in town.filters(link).values()] == ["weft_ingress", "weft_egress"]
    assert answers(town.move_in())


def test_a_second_run_has_nothing_to_do(town: Town) -> None:
    town.converge(plan(OPEN))
    before = [town.filters(link) for link in LINKS]
    assert town.changes(plan(OPEN)) == []
    assert [town.filters(link) for link in LINKS] == before


def test_another_policy_judges_at_once(town: Town) -> None:
    town.converge(plan(OPEN))
    web = town.move_in()
    assert answers(web)
    assert town.changes(plan(SHUT)) == ["~ policy policy (digest)"]
    assert not answers(web)
    assert town.changes(plan(OPEN)) == ["~ policy policy (digest)"]
    assert answers(web)


def test_without_a_policy_nothing_is_left_of_it(town: Town) -> None:
    town.converge(plan(None))
    before = town.traces()
    town.converge(plan(SHUT))
    web = town.move_in()
    assert not answers(web)
    assert town.changes(plan(None)) == ["- policed interface bridge", "- policed interface vxlan0", "- policy policy"]
    assert town.traces() == before
    assert answers(web)


def test_a_plan_of_nothing_takes_everything_away(town: Town) -> None:
    before = town.traces()
    town.converge(plan(OPEN))
    town.converge(NOTHING)
    assert town.traces() == before
    assert town.changes(NOTHING) == []
