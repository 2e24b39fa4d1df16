# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two controllers with copies of one intent, and what hosts say to the one that is behind."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.lineage import (
    Lineage,
    advanced,
    digest_of,
    lineage_faults,
    overtaking,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import Author, objection

OURS = Lineage("abc", 12, "plans of 12")


def author(revision, plans="others", lineage="abc"):
    return Author("bert@other", lineage, revision, plans)


def test_a_new_intent_gets_a_name_and_its_first_revision():
    assert advanced(Lineage(), "plans", {}, "fresh") == Lineage("fresh", 1, "plans")


def test_a_revision_is_counted_only_when_a_plan_changes():
    assert advanced(OURS, "plans of 12", {}, "fresh") == OURS
    assert advanced(OURS, "plans of 13", {}, "fresh") == Lineage("abc", 13, "plans of 13")


def test_who_lost_the_ledger_goes_on_from_what_the_hosts_know():
    seen = {"hub": author(7, "plans of 7"), "runner1": author(6, "plans of 6")}
    assert advanced(Lineage(), "plans of 7", seen, "fresh") == Lineage("abc", 7, "plans of 7")
    assert advanced(Lineage(), "new plans", seen, "fresh") == Lineage("abc", 8, "new plans")


@pytest.mark.fault("F27")
@pytest.mark.parametrize(
    ("last", "words"),
    [
        (author(12, "plans of 12"), ""),
        # Whatever it calls itself: what it has is what we bring.
        (author(40, "plans of 12"), ""),
        (author(11), ""),
        (author(13), "it has a later intent (revision 13, by bert@other) than this one, 12"),
        (author(12), "it has another intent that calls itself revision 12, by bert@other, too"),
        (author(3, lineage="xyz"), "it belongs to another intent (xyz, revision 3, by bert@other) than this one (abc)"),
        (Author("boot"), ""),
    ],
)
def test_what_a_host_has_against_a_plan(last, words):
    faults = lineage_faults(OURS, {"runner1": last})
    assert [(fault.place, fault.message.split(";")[0]) for fault in faults] == ([("runner1", words)] if words else [])


def test_a_plan_that_does_not_say_where_it_comes_from_is_nobodys_rival():
    assert objection(Author("by hand"), author(99)) == ""


def test_by_force_ours_is_the_latest_afterwards():
    seen = {"hub": author(20), "runner1": author(3)}
    assert overtaking(OURS, seen) == OURS._replace(revision=21)
    assert lineage_faults(overtaking(OURS, seen), seen) == ()
    assert overtaking(OURS, {"hub": author(11)}) == OURS


def test_every_plan_counts_whatever_the_order():
    one, two = HostPlan("hub", "hub"), HostPlan("runner1", "runner")
    assert digest_of({"hub": one, "runner1": two}) == digest_of({"runner1": two, "hub": one})
    assert digest_of({"hub": one}) != digest_of({"hub": one._replace(role="nas")})


def test_the_ledger_keeps_it_and_one_without_keeps_its_bytes():
    with_one = ledgers.EMPTY._replace(lineage=OURS)
    assert ledgers.from_json(ledgers.to_json(with_one), "ledger.json") == with_one
    assert "lineage" not in ledgers.to_json(ledgers.EMPTY)
