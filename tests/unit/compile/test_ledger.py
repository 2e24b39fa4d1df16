# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A ledger has one spelling; a damaged one is refused, never half believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import (
    EMPTY,
    Entry,
    Ledger,
    from_json,
    to_json,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError

NAMES = st.text(min_size=1, max_size=8)
IDS = st.integers(1, 255)
ADDRESSES = st.none() | st.sampled_from(("192.0.2.1", "2001:db8::1"))
HOSTS = st.dictionaries(NAMES, st.builds(Entry, st.none() | IDS, ADDRESSES, st.sampled_from((0, 1500))), max_size=5)


def one_owner_each(hosts):
    ids = [entry.runner_id for entry in hosts.values() if entry.runner_id is not None]
    return len(set(ids)) == len(ids)


LEDGERS = st.builds(Ledger, HOSTS.filter(one_owner_each), st.lists(st.tuples(IDS, NAMES), max_size=5).map(tuple))


@given(LEDGERS)
def test_what_is_written_is_read_back_and_written_the_same(ledger):
    text = to_json(ledger)
    assert from_json(text, "ledger.json") == ledger
    assert to_json(from_json(text, "ledger.json")) == text
    assert text.endswith("}\n")


ONE = json.loads(to_json(Ledger({"runner1": Entry(1, "192.0.2.1", 1500)}, ((2, "runner2"),))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps({**ONE, "version": 2}),
        json.dumps({**ONE, "version": None}),
        json.dumps({**ONE, "hosts": []}),
        json.dumps({**ONE, "hosts": {"runner1": 1}}),
        json.dumps({**ONE, "hosts": {"runner1": {"runner_id": 1, "underlay": None}}}),
        json.dumps({**ONE, "hosts": {"runner1": {"runner_id": "1", "underlay": None, "mtu": 0}}}),
        json.dumps({**ONE, "hosts": {"runner1": {"runner_id": True, "underlay": None, "mtu": 0}}}),
        json.dumps({**ONE, "hosts": {"runner1": {"runner_id": 1, "underlay": 5, "mtu": 0}}}),
        json.dumps({**ONE, "hosts": {"runner1": {"runner_id": 1, "underlay": "127.0.0.1", "mtu": 0}}}),
        json.dumps({**ONE, "hosts": {"runner1": {"runner_id": 1, "underlay": None, "mtu": None}}}),
        json.dumps({**ONE, "released": [{"runner_id": -1, "host": "x"}]}),
        json.dumps({**ONE, "released": [[1, "x"]]}),
        json.dumps({**ONE, "released": None}),
    ],
)
def test_anything_else_is_refused_with_the_way_out(text):
    with pytest.raises(IntentError, match=r"^here/ledger.json: the ledger cannot be read .*; restore it, or remove it"):
        from_json(text, "here/ledger.json")


def test_an_empty_ledger_knows_nobody():
    assert from_json(to_json(EMPTY), "ledger.json") == EMPTY
