# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table that ends a run."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import report, table

COUNTS = {"hub": {"link": {"add": 2, "remove": 1}, "route": {"change": 10}}, "runner1": {}}


def test_a_line_for_each_host_and_kind():
    assert table(COUNTS) == [
        "host     kind        added  changed  removed",
        "hub      link        2               1",
        "hub      route              10",
        "runner1  as planned",
    ]


def test_nobody_has_only_a_heading():
    assert table({}) == ["host  kind  added  changed  removed"]


def test_notes_failures_and_absences_follow():
    lines = report(COUNTS, {"": ["an MTU is assumed"], "hub": ["it is a bridge"]}, ["r4", "r3"], ["r2"])
    assert lines[: len(table(COUNTS))] == table(COUNTS)
    assert lines[len(table(COUNTS)) :] == [
        "note: an MTU is assumed",
        "note: hub: it is a bridge",
        "failed: r2 (each is as it was before; mend the cause and run again)",
        "not reached: r3, r4 (no change there lasts; a run that reaches them does the rest)",
    ]


def test_a_run_that_reached_nobody_says_so():
    assert report({}, {}, [], []) == ["no host was converged"]
