# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tags of one host's networks: who has one keeps it, and nobody else has the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import (
    HostNumbers,
    Numbers,
    Remembered,
    by_name,
    from_whole_document,
    whole_document,
)
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.tags import allocated, table_of
from ansible_collections.weft.overlay.plugins.module_utils.model.marks import FIRST_TABLE, LAST_TABLE

NAMES = [f"net{number}" for number in range(300)]


def after(*lives):
    """Tags of a host that was in these networks, one set after the other."""
    tags = Numbers()
    for names in lives:
        tags, faults = allocated("hub", names, tags)
        assert faults == ()
    return tags


def test_the_first_networks_have_the_first_tags_in_the_order_of_their_names():
    assert by_name(after(["prod", "dev"])) == {"dev": 1, "prod": 2}


def test_the_order_in_which_they_are_named_changes_nothing():
    assert after(["b", "a", "c", "a"]) == after(["c", "b", "a"])


def test_a_departure_renumbers_nobody_and_its_tag_rests():
    tags = after(["a", "b", "c"], ["b", "c"], ["b", "c", "new"])
    assert by_name(tags) == {"b": 2, "c": 3, "new": 4}
    assert tags.released == ((1, ("", "a")),)


def test_a_network_that_comes_back_has_its_tag_again():
    tags = after(["a", "b"], ["b"], ["b", "new"], ["a", "b", "new"])
    assert by_name(tags) == {"a": 1, "b": 2, "new": 3}
    assert tags.released == ()


def test_when_all_were_used_the_longest_released_is_handed_out():
    full = after(sorted(NAMES)[:254], sorted(NAMES)[:253], [*sorted(NAMES)[:100], *sorted(NAMES)[101:253]])
    assert [tag for tag, _name in full.released] == [254, 101]
    tags, faults = allocated("hub", [*by_name(full), "new"], full)
    assert (faults, by_name(tags)["new"]) == ((), 254)
    assert tags.released == full.released[1:]


def test_255_networks_are_more_than_marks_tell_apart():
    before = after(NAMES[:254])
    tags, (fault,) = allocated("runner1", NAMES[:255], before)
    assert tags == before
    assert str(fault) == (
        "runner1: networks: is in 255 networks, and marks tell 254 apart; move some of their peers to another host"
    )


def test_tables_are_those_that_are_ours():
    assert (table_of(1), table_of(254)) == (FIRST_TABLE, LAST_TABLE) == (119001, 119254)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from(NAMES[:270]), max_size=254), min_size=1, max_size=6))
def test_through_any_life_nobody_is_renumbered_and_no_tag_is_two_networks(lives):
    tags = Numbers()
    for names in lives:
        before, (tags, faults) = tags, allocated("hub", names, tags)
        assert faults == ()
        assert set(by_name(tags)) == set(names)
        assert all(by_name(tags)[name] == tag for name, tag in by_name(before).items() if name in names)
        taken = [*tags.given.values(), *(tag for tag, _name in tags.released)]
        assert len(taken) == len(set(taken))
        assert set(taken) <= set(range(1, 255))
        # Who left is remembered, unless somebody needed the tag.
        gone = {(tag, key) for key, tag in before.given.items() if key[1] not in names}
        assert gone | set(before.released) >= set(tags.released)
        known = Remembered(hosts={"hub": HostNumbers(tags)})
        assert from_whole_document(json.loads(json.dumps(whole_document(known)))) == known


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"given": [[1, "", "a"]]},
        {"given": [[0, "", "a"]], "released": []},
        {"given": [[255, "", "a"]], "released": []},
        {"given": [[True, "", "a"]], "released": []},
        {"given": [["1", "", "a"]], "released": []},
        {"given": [[1, "", "a"], [1, "", "b"]], "released": []},
        {"given": [[1, "", "a"]], "released": [[1, "", "b"]]},
        {"given": [[1, "", "a"]], "released": [[2]]},
        {"given": ["a"], "released": []},
    ],
)
def test_what_is_no_record_of_tags_is_refused(value):
    whole = whole_document(Remembered(hosts={"hub": HostNumbers()}))
    whole["hosts"]["hub"]["tags"] = value
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        from_whole_document(whole)
