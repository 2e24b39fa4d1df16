# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A journal that is bounded, survives damage, and never forgets whose intent a host has."""

from __future__ import annotations

import os

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel import journal
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import (
    APPLIED,
    APPLYING,
    CONFIRMED,
    ROLLED_BACK,
    Author,
    Entry,
    Pending,
    entry_from,
    pending_from,
    shortened,
    to_line,
)

ANNA = Author("anna@ops", "abc", 12, "plans")


def entry(number, author=ANNA, result=CONFIRMED, why=""):
    return Entry(number, 1800000000 + number, author, "digest", result, why, ("+ link vxkr1",))


def test_what_is_written_is_read():
    journal.write(entry(1))
    journal.write(entry(2, result=ROLLED_BACK, why="nobody confirmed it in 60 s"))
    assert journal.entries() == (entry(1), entry(2, result=ROLLED_BACK, why="nobody confirmed it in 60 s"))


def test_a_host_that_was_never_changed_has_an_empty_one():
    assert (journal.entries(), journal.numbers()) == ((), [])


def test_only_root_reads_it():
    journal.write(entry(1), "a plan")
    for path, mode in ((journal.ROOT, 0o700), (f"{journal.ROOT}/journal.jsonl", 0o600), (journal.plan_path(1), 0o600)):
        assert os.stat(path).st_mode & 0o777 == mode


def test_it_keeps_the_latest_and_whose_intent_the_host_has():
    journal.write(entry(1))
    for number in range(2, 250):
        journal.write(entry(number, Author("weft apply"), APPLIED))
    found = journal.entries()
    assert (len(found), found[0], found[-1].number) == (200, entry(1), 249)
    assert journal.lineage_of(found) == ANNA


def test_the_plans_of_the_last_ten_are_kept():
    for number in range(1, 15):
        journal.write(entry(number), f"plan {number}")
    assert journal.numbers() == list(range(5, 15))
    with open(journal.plan_path(14), encoding="utf-8") as plan:
        assert plan.read() == "plan 14"


def test_lines_that_are_damaged_stop_nobody():
    journal.write(entry(1))
    with open(f"{journal.ROOT}/journal.jsonl", "ab") as log:
        log.write(b'{"number": 2, "au\n\xff\xfe\n')
    journal.write(entry(3))
    assert journal.entries() == (entry(1), entry(3))


def test_of_many_changes_the_first_are_kept_and_the_rest_counted():
    lines = tuple(f"+ link vxkr{number}" for number in range(255))
    assert shortened(lines) == (*lines[:50], "and 205 more")
    assert shortened(lines[:50]) == lines[:50]


def test_what_waits_survives_the_way_to_the_disk():
    waiting = Pending(7, ANNA, "boot", 12.5, 60, APPLYING, "digest", None, "", ("+ link ü",))
    assert pending_from(to_line(waiting)) == waiting
    assert entry_from(to_line(entry(1))) == entry(1)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"author": 1}', '{"author": {"name": "a"}, "changes": []}'])
def test_what_is_no_pending_change_is_said_to_be_none(text):
    with pytest.raises(PlanError, match="cannot be read"):
        pending_from(text)
