# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A ledger has one spelling; a damaged one is refused, never half believed."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import Ends
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import (
    EMPTY,
    ClientEntry,
    Entry,
    Ledger,
    LinkEntry,
    from_json,
    to_json,
)
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import (
    HostNumbers,
    Numbers,
    PolicyLedger,
    Remembered,
    Shadows,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import CERTIFICATE

NAMES = st.text(min_size=1, max_size=8)
IDS = st.integers(1, 255)
ADDRESSES = st.none() | st.sampled_from(("192.0.2.1", "2001:db8::1"))
HOSTS = st.dictionaries(NAMES, st.builds(Entry, st.none() | IDS, ADDRESSES, st.sampled_from((0, 1500))), max_size=5)


def one_owner_each(hosts):
    ids = [entry.runner_id for entry in hosts.values() if entry.runner_id is not None]
    return len(set(ids)) == len(ids)


KEYS = st.none() | st.binary(min_size=32, max_size=32).map(lambda raw: b64encode(raw).decode())
ENDS = st.builds(Ends, KEYS, KEYS)
MTUS = st.sampled_from((0, 1500))
NUMBERS = st.integers(2, 250)
CLIENTS = st.dictionaries(NAMES, st.tuples(NUMBERS, ENDS, MTUS, st.booleans()), max_size=4)


def clients_of(said):
    """Addresses that nobody else has, in one family or both."""
    numbers = dict(zip(said, range(2, 250)))
    both = {name: (f"10.8.0.{number}", f"fd00::{number}")[: said[name][0] % 2 + 1] for name, number in numbers.items()}
    return {name: ClientEntry(both[name], *values[1:]) for name, values in said.items()}


@st.composite
def numbers(draw, first):
    """Nobody has two, or the same as another."""
    found = draw(st.lists(st.integers(first, 254 if first < 256 else 9999), unique=True, max_size=6))
    keys = [("", name) for name in draw(st.lists(NAMES, unique=True, min_size=len(found), max_size=len(found)))]
    resting = draw(st.integers(0, len(found)))
    pairs = list(zip(found, keys))
    return Numbers({key: number for number, key in pairs[resting:]}, tuple(pairs[:resting]))


PREFIXES = st.integers(0, 255).map("100.64.{}.0/24".format)
KEYS = st.tuples(NAMES, NAMES, PREFIXES)
SHADOWS = st.builds(
    Shadows, st.dictionaries(KEYS, PREFIXES, max_size=4), st.lists(st.tuples(PREFIXES, KEYS), max_size=3).map(tuple)
)
NUMBERED = st.builds(HostNumbers, numbers(1), numbers(1))
RELEASED = st.lists(st.tuples(NUMBERS.map("10.8.0.{}".format), NAMES), max_size=3).map(tuple)
LINKS = st.builds(LinkEntry, NAMES, ENDS, MTUS, CLIENTS.map(clients_of), RELEASED)
LEDGERS = st.builds(
    Ledger,
    HOSTS.filter(one_owner_each),
    st.lists(st.tuples(IDS, NAMES), max_size=5).map(tuple),
    st.dictionaries(NAMES, LINKS, max_size=3),
    LINKS,
    st.builds(
        Remembered,
        st.builds(PolicyLedger, numbers(1), numbers(256), SHADOWS),
        st.dictionaries(NAMES, NUMBERED, max_size=3),
    ),
    st.dictionaries(NAMES, st.from_regex(CERTIFICATE, fullmatch=True), max_size=3),
)


@given(LEDGERS)
def test_what_is_written_is_read_back_and_written_the_same(ledger):
    text = to_json(ledger)
    assert from_json(text, "ledger.json") == ledger
    assert to_json(from_json(text, "ledger.json")) == text
    assert text.endswith("}\n")


KEY = "6Mw3wXMlbaGS0Bvl/CyD2YoxyowQmZckNM0xFJ2AUWw="
PHONE = ClientEntry(("10.8.0.2", "fd00::2"), Ends(KEY))
LINK = LinkEntry("router", Ends(KEY), 1500, {"phone": PHONE}, (("10.8.0.3", "laptop"),))
ONE = json.loads(to_json(Ledger({"runner1": Entry(1, "192.0.2.1", 1500)}, ((2, "runner2"),), {"wg0": LINK})))


def but(*path_and_value):
    """ONE with another value at a path."""
    *path, value = path_and_value
    document = json.loads(json.dumps(ONE))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps({**ONE, "version": 0}),
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
        but("interfaces", None),
        but("interfaces", "wg0", {}),
        but("interfaces", "wg0", "clients", []),
        but("interfaces", "wg0", "ends", "key", "short"),
        but("interfaces", "wg0", "ends", "key", KEY[:-2] + "x="),
        but("interfaces", "wg0", "released", 0, "address", "10.8.0.03"),
        but("interfaces", "wg0", "clients", "phone", "addresses", ["::"]),
        but("interfaces", "wg0", "clients", "tablet", ONE["interfaces"]["wg0"]["clients"]["phone"]),
        but("carrier", None),
    ],
)
def test_anything_else_is_refused_with_the_way_out(text):
    with pytest.raises(IntentError, match=r"^here/ledger.json: the ledger cannot be read .*; restore it, or remove it"):
        from_json(text, "here/ledger.json")


def test_a_ledger_from_before_wireguard_is_read_as_it_is():
    old = {name: value for name, value in ONE.items() if name not in ("interfaces", "carrier")}
    found = from_json(json.dumps(old), "ledger.json")
    assert (found.hosts, found.released) == ({"runner1": Entry(1, "192.0.2.1", 1500)}, ((2, "runner2"),))
    assert (found.interfaces, found.carrier) == ({}, LinkEntry())


def test_an_empty_ledger_knows_nobody():
    assert from_json(to_json(EMPTY), "ledger.json") == EMPTY


def test_a_newer_ledger_is_nothing_to_be_removed():
    with pytest.raises(IntentError) as caught:
        from_json(json.dumps({**ONE, "version": 2}), "ledger.json")
    assert str(caught.value) == (
        "ledger.json: the ledger has version 2, which is newer than this weft.overlay reads (1); "
        "install a newer collection"
    )
