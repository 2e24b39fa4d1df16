# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tags of one host's networks: who has one keeps it, and nobody else has the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.tags import (
    NONE,
    Tags,
    allocated,
    document,
    from_document,
    table_of,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.marks import FIRST_TABLE, LAST_TABLE

NAMES = [f"net{number}" for number in range(300)]


def after(*lives):
    """Tags of a host that was in these networks, one set after the other."""
    tags = NONE
    for names in lives:
        tags, faults = allocated("hub", names, tags)
        assert faults == ()
    return tags


def test_the_first_networks_have_the_first_tags_in_the_order_of_their_names():
    assert after(["prod", "dev"]).given == {"dev": 1, "prod": 2}


def test_the_order_in_which_they_are_named_changes_nothing():
    assert after(["b", "a", "c", "a"]) == after(["c", "b", "a"])


def test_a_departure_renumbers_nobody_and_its_tag_rests():
    tags = after(["a", "b", "c"], ["b", "c"], ["b", "c", "new"])
    assert tags == Tags({"b": 2, "c": 3, "new": 4}, ((1, "a"),))


def test_a_network_that_comes_back_has_its_tag_again():
    assert after(["a", "b"], ["b"], ["b", "new"], ["a", "b", "new"]) == Tags({"a": 1, "b": 2, "new": 3})


def test_when_all_were_used_the_longest_released_is_handed_out():
    full = after(sorted(NAMES)[:254], sorted(NAMES)[:253], [*sorted(NAMES)[:100], *sorted(NAMES)[101:253]])
    assert [tag for tag, _name in full.released] == [254, 101]
    tags, faults = allocated("hub", [*full.given, "new"], full)
    assert (faults, tags.given["new"]) == ((), 254)
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
    tags = NONE
    for names in lives:
        before, (tags, faults) = tags, allocated("hub", names, tags)
        assert faults == ()
        assert set(tags.given) == set(names)
        assert all(tags.given[name] == tag for name, tag in before.given.items() if name in names)
        taken = [*tags.given.values(), *(tag for tag, _name in tags.released)]
        assert len(taken) == len(set(taken))
        assert set(taken) <= set(range(1, 255))
        # Who left is remembered, unless somebody needed the tag.
        gone = {(tag, name) for name, tag in before.given.items() if name not in names}
        assert gone | set(before.released) >= set(tags.released)
        assert from_document(json.loads(json.dumps(document(tags)))) == tags


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"given": {"a": 1}},
        {"given": {"a": 0}, "released": []},
        {"given": {"a": 255}, "released": []},
        {"given": {"a": True}, "released": []},
        {"given": {"a": "1"}, "released": []},
        {"given": {"a": 1, "b": 1}, "released": []},
        {"given": {"a": 1}, "released": [[1, "b"]]},
        {"given": {"a": 1}, "released": [[2]]},
        {"given": ["a"], "released": []},
    ],
)
def test_what_is_no_record_of_tags_is_refused(value):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        from_document(value)
