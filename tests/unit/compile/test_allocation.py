# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold of every allocation, however contradictory the evidence is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.allocation import Claim, allocate
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Host
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY, Entry, Ledger

LIMIT = 5
NAMES = st.sampled_from("abcdefg")
ADDRESSES = st.sampled_from([f"192.0.2.{number}" for number in range(1, 8)])
# Also ids that do not exist.
NUMBERS = st.integers(min_value=-1, max_value=LIMIT + 2)
IDS = st.integers(min_value=1, max_value=LIMIT + 2)


def runners_of(pins):
    """`pins`: {name: (underlay, pinned id or None)}."""
    return tuple(Host(name, *pins[name]) for name in sorted(pins))


RUNNERS = st.dictionaries(NAMES, st.tuples(ADDRESSES, st.none() | IDS), max_size=LIMIT + 1).map(runners_of)
CLAIMS = st.lists(st.builds(Claim, st.sampled_from(["", *"abcdefgxy"]), NUMBERS, st.none() | ADDRESSES), max_size=8)
LEDGERS = st.builds(
    Ledger,
    st.dictionaries(st.sampled_from("abcdefgxy"), st.builds(Entry, st.none() | IDS, st.none() | ADDRESSES), max_size=6),
    st.lists(st.tuples(IDS, st.sampled_from("abcdefgxy")), max_size=5).map(tuple),
)
WORLDS = st.tuples(RUNNERS, CLAIMS, CLAIMS, LEDGERS, st.booleans())


@pytest.mark.fault("F17", "F18")
@settings(max_examples=300, deadline=None)
@given(WORLDS)
def test_an_id_has_one_owner_and_lies_in_the_overlay(world):
    runners, live, own, ledger, fresh = world
    ids = allocate(runners, live, own, ledger, LIMIT, fresh).ids
    assert len(set(ids.values())) == len(ids)
    assert all(1 <= number <= LIMIT for number in ids.values())


@settings(max_examples=300, deadline=None)
@given(WORLDS)
def test_without_a_fault_everybody_has_an_id_and_every_pin_is_obeyed(world):
    runners, live, own, ledger, fresh = world
    allocation = allocate(runners, live, own, ledger, LIMIT, fresh)
    pins = [runner.runner_id for runner in runners if runner.runner_id is not None]
    # Two pinned to one id are a fault of the inventory, found before anything is allocated.
    if allocation.faults or len(set(pins)) < len(pins):
        return
    assert set(allocation.ids) == {runner.name for runner in runners}
    assert all(runner.runner_id in (None, allocation.ids[runner.name]) for runner in runners)


@settings(max_examples=300, deadline=None)
@given(WORLDS)
def test_what_is_in_use_does_not_rest(world):
    runners, live, own, ledger, fresh = world
    allocation = allocate(runners, live, own, ledger, LIMIT, fresh)
    assert not {number for number, _host in allocation.released} & set(allocation.ids.values())


@settings(max_examples=300, deadline=None)
@given(WORLDS)
def test_an_id_without_evidence_waits_for_the_hub(world):
    runners, live, own, ledger, _fresh = world
    careful = allocate(runners, live, own, ledger, LIMIT, fresh=False)
    bold = allocate(runners, live, own, ledger, LIMIT, fresh=True)
    assert careful.ids.items() <= bold.ids.items()


@settings(max_examples=300, deadline=None)
@given(WORLDS, st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_is_of_no_importance(world, random):
    runners, live, own, ledger, fresh = world
    again = [random.sample(claims, len(claims)) for claims in (live, own)]
    assert allocate(runners, *again, ledger, LIMIT, fresh) == allocate(runners, live, own, ledger, LIMIT, fresh)


@pytest.mark.fault("F19")
@given(st.sets(IDS.filter(lambda number: number <= LIMIT)), st.sets(NUMBERS))
def test_a_resting_id_is_given_out_only_when_no_unused_one_is_left(resting, taken):
    taken = {number for number in taken if 1 <= number <= LIMIT} - resting
    holders = {f"h{number}": Entry(number, f"198.51.100.{number}") for number in taken}
    runners = (*(Host(name, entry.underlay) for name, entry in sorted(holders.items())), Host("new", "192.0.2.1"))
    ledger = Ledger(holders, tuple((number, "gone") for number in sorted(resting, reverse=True)))
    allocation = allocate(runners, [], [], ledger, LIMIT, fresh=True)
    unused = set(range(1, LIMIT + 1)) - taken - resting
    if unused:
        assert allocation.ids["new"] == min(unused)
    elif resting:
        assert allocation.ids["new"] == max(resting), "the longest free"
    else:
        assert [fault.path for fault in allocation.faults] == ["runners"]


def test_a_returning_host_is_preferred_over_a_new_one_for_its_own_id():
    ledger = Ledger({}, tuple((number, f"old{number}") for number in range(1, LIMIT + 1)))
    runners = tuple(Host(name) for name in ("aaa", "old1", "old2"))
    allocation = allocate(runners, [], [], ledger, LIMIT, fresh=True)
    assert allocation.ids == {"old1": 1, "old2": 2, "aaa": 3}


def test_nobody_is_moved_by_a_pin_but_the_one_pinned():
    runners = (Host("a", "192.0.2.1"), Host("b", "192.0.2.2", runner_id=1))
    for evidence in ({"live": [Claim("a", 1, None)]}, {"own": [Claim("a", 1, None)]}, {}):
        ledger = Ledger({"a": Entry(1, "192.0.2.1")}) if not evidence else EMPTY
        claims = {"live": [], "own": [], **evidence}
        (fault,) = allocate(runners, claims["live"], claims["own"], ledger, LIMIT, fresh=True).faults
        assert str(fault) == "inventory: b: runner_id: 1 is held by a; pin a to another id first, or pick one"


def test_a_pin_may_take_an_id_that_only_rests():
    runners = (Host("a", "192.0.2.1"), Host("b", "192.0.2.2", runner_id=1))
    allocation = allocate(runners, [], [], Ledger({}, ((1, "a"),)), LIMIT, fresh=True)
    assert (allocation.ids, allocation.faults) == ({"a": 2, "b": 1}, ())
