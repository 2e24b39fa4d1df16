# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A record waits for its names, for as long as a run may take to store its plan, and no longer."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.names import Generations, Names
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.source import PATIENCE, Waiting
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PolicyMaps
from tests.unit.edge.test_audit_names import EVENT, MAPS

OLD = Names("hub", MAPS)


def generations() -> Generations:
    found = Generations()
    found.policy("old", OLD)
    found.judges(5, "old")
    return found


def test_what_can_be_named_does_not_wait_for_what_cannot():
    waiting, known = Waiting(), generations()
    later = EVENT._replace(generation=6)
    waiting.add([later, EVENT], 0.0)
    assert list(waiting.ready(known, 0.0)) == [(EVENT, OLD)]
    known.judges(6, "new")
    assert (list(waiting.ready(known, 1.0)), len(waiting)) == ([], 1)
    new = Names("hub", PolicyMaps())
    known.policy("new", new)
    assert list(waiting.ready(known, 2.0)) == [(later, new)]
    assert len(waiting) == 0


def test_it_waits_no_longer_than_a_run_takes():
    waiting, known = Waiting(), generations()
    waiting.add([EVENT._replace(generation=6)], 0.0)
    assert list(waiting.ready(known, PATIENCE - 0.1)) == []
    ((_event, names),) = waiting.ready(known, PATIENCE)
    assert names.denial(EVENT, 0, lambda _index: None).rule == "rule 2"
    assert len(waiting) == 0


def test_where_too_many_wait_the_first_are_told_as_they_are():
    waiting, known = Waiting(most=3), generations()
    waiting.add([EVENT._replace(generation=6, length=length) for length in range(5)], 0.0)
    assert [event.length for event, _names in waiting.ready(known, 0.0)] == [0, 1]
    assert len(waiting) == 3


def test_without_any_plan_only_the_newest_are_kept():
    waiting = Waiting(most=3)
    waiting.add([EVENT._replace(length=length) for length in range(5)], 0.0)
    assert list(waiting.ready(Generations(), 100.0)) == []
    assert [event.length for event, _names in waiting.ready(generations(), 100.0)] == [2, 3, 4]
