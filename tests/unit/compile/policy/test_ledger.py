# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Numbers of identities and networks over time: nobody is renumbered because somebody else came or went."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy import ledger as policy_ledger
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import (
    EMPTY,
    Counter,
    Numbers,
    from_document,
)
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.names import numbered_networks
from ansible_collections.weft.overlay.plugins.module_utils.intent.network import Network

KEYS = st.sampled_from([("", name) for name in "abcdef"] + [("prod", "10.0.0.0/8")])
STEPS = st.lists(st.lists(KEYS, unique=True), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_a_number_is_somebodys_for_as_long_as_he_is_there_and_rests_before_it_is_anothers(steps):
    numbers, had = Numbers(), {}
    for there in steps:
        counter = Counter(numbers, 256)
        given_ = {key: counter.number(key) for key in there}
        assert len(set(given_.values())) == len(given_)
        for key, number in given_.items():
            # Who comes back has the number that he had, and who is new has one that nobody ever had.
            assert number == had.get(key, number)
            assert had.get(key) == number or number not in had.values()
            assert number >= 256
        had.update(given_)
        numbers = counter.numbers()
        assert numbers.given == given_
        assert {key for _number, key in numbers.released} == set(had) - set(there)


def test_the_lowest_number_that_never_was_used_is_given_first():
    counter = Counter(Numbers({("", "old"): 257}, ((258, ("", "gone")),)), 256)
    assert [counter.number(("", name)) for name in ("x", "y", "old", "gone", "z")] == [256, 259, 257, 258, 260]


def test_only_so_many_numbers_rest():
    many = tuple((256 + number, ("prod", str(number))) for number in range(5000))
    kept = Counter(Numbers({}, many), 256).numbers()
    assert kept.released == many[-4096:]
    assert Counter(kept, 256).number(("", "new")) == 256


def test_what_is_written_is_read_back():
    known = policy_ledger.PolicyLedger(
        Numbers({("", "prod"): 1}, ((2, ("", "dev")),)), Numbers({("", "api"): 256, ("prod", "10.0.0.0/8"): 257})
    )
    assert from_document(json.loads(json.dumps(policy_ledger.document(known)))) == known
    assert from_document(policy_ledger.document(EMPTY)) == EMPTY


@pytest.mark.parametrize(
    "damage",
    [
        {},
        [],
        {"networks": {}, "identities": {}},
        {"networks": {"given": [], "released": []}},
        {"networks": {"given": [[0, "", "a"]], "released": []}, "identities": {"given": [], "released": []}},
        {"networks": {"given": [[True, "", "a"]], "released": []}, "identities": {"given": [], "released": []}},
        {"networks": {"given": [], "released": []}, "identities": {"given": [[255, "", "a"]], "released": []}},
        {"networks": {"given": [], "released": []}, "identities": {"given": [[256, "a"]], "released": []}},
        {
            "networks": {"given": [], "released": []},
            "identities": {"given": [[256, "", "a"]], "released": [[256, "", "b"]]},
        },
        {
            "networks": {"given": [], "released": []},
            "identities": {"given": [[256, "", "a"], [257, "", "a"]], "released": []},
        },
    ],
)
def test_a_damaged_part_is_refused(damage):
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_document(damage)


def network(number):
    return Network((), None, "enforce", (), number)


def test_a_pinned_network_takes_the_number_of_one_that_is_gone():
    remembered = Numbers({("", "gone"): 7, ("", "dev"): 2})
    found = numbered_networks({"dev": network(None), "prod": network(7)}, remembered)
    assert found.faults == ()
    assert found.numbers == {"dev": 2, "prod": 7}
    later = numbered_networks({"dev": network(None), "gone": network(None), "prod": network(7)}, found.remember)
    assert later.numbers == {"dev": 2, "gone": 1, "prod": 7}


def test_a_pinned_network_moves_nobody_who_is_there():
    found = numbered_networks({"dev": network(None), "prod": network(2)}, Numbers({("", "dev"): 2}))
    assert [str(fault) for fault in found.faults] == [
        "domain.yaml: networks.prod.id: 2 is held by dev; pin dev to another id first, or pick one"
    ]


def test_networks_that_have_no_number_any_more_are_refused():
    there = {f"n{number}": network(None) for number in range(2)}
    found = numbered_networks(
        {**there, "last": network(65535)}, Numbers({}, tuple((n, ("", str(n))) for n in range(1, 65535)))
    )
    assert [fault.path for fault in found.faults] == ["networks"]
