# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a run ended for a host, by what its tasks left."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge import ending as endings
from ansible_collections.weft.overlay.plugins.module_utils.edge.ending import Ending, Hosts, ending

SEEN = {"weft_observed": {"observed": {}}}
DEAD = {"weft_observed": {"unreachable": True}}
COUNTS = {"link": {"add": 1}}
DONE = {"weft_converged": {"counts": COUNTS, "notes": ["a note"]}}
SKIPPED = {"weft_converged": {"skipped": True}}
ALL = ("hub", "runner1")
ONE_TURN = Hosts(ALL, ALL, ALL)


def of(said, hosts=ONE_TURN, networks=None):
    return ending("hub", said, hosts, networks or {})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (DONE, Ending(endings.DONE, COUNTS, ("a note",))),
        ({**DEAD, "weft_converged": {"skipped": True}}, Ending(endings.UNREACHED)),
        ({**SEEN, "weft_converged": {"unreachable": True}}, Ending(endings.UNREACHED)),
        # Of an earlier play of the same run.
        ({**DONE, **DEAD}, Ending(endings.UNREACHED)),
        ({"weft_converged": {"failed": True, "msg": "one\ntwo"}}, Ending(endings.FAILED, reason="one")),
        (
            {"weft_converged": {"failed": True, "counts": COUNTS, "unconfirmed": True, "msg": "rolled back"}},
            Ending(endings.UNCONFIRMED, reason="rolled back"),
        ),
        (
            {**DONE, "weft_networked": {"failed": True, "results": [{}, {"failed": True, "msg": "no room"}]}},
            Ending(endings.FAILED, COUNTS, ("a note",), "its Docker networks were not made: no room"),
        ),
        ({**SKIPPED, "weft_left": {"counts": {}}}, Ending(endings.LEFT, {})),
        ({**SKIPPED, "weft_left": {"failed": True, "msg": "in the way"}}, Ending(endings.FAILED, reason="in the way")),
        ({**DONE, "weft_left": {"skipped": True}}, Ending(endings.DONE, COUNTS, ("a note",))),
        (SEEN, Ending(endings.BEFORE)),
        ({}, Ending(endings.BEFORE)),
    ],
)
def test_what_was_registered_says_how_it_ended(said, expected):
    assert of(said) == expected


def test_docker_networks_count_as_the_rest_does():
    assert of(DONE, networks={"Docker network": {"add": 1}}).counts == {"Docker network": {"add": 1}, **COUNTS}


def test_who_is_not_in_the_run_is_not_failed():
    assert of({}, Hosts(("runner1",), ("runner1",), ("runner1",))).state == endings.LIMITED


def test_who_has_a_later_turn_is_not_failed_and_who_had_an_earlier_one_may_have_another_plan_now():
    later = Hosts(ALL, ALL, ("runner1",))
    assert of({}, later).state == endings.COME
    assert of(DONE, later).stale
    assert of(SEEN, Hosts(ALL, ("runner1",), ("runner1",))).state == endings.BEFORE
