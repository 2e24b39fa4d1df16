# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A denial is one line of JSON, and a line is a denial or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.model.audit import Denial, from_line, to_line

DENIED = Denial(
    time="2026-11-21T19:20:21.000042Z",
    host="hub",
    reason="RULE",
    source="web",
    destination="db",
    interface="wg0",
    direction="ingress",
    length=60,
    network="red",
    source_address="10.20.0.2",
    source_port=40000,
    destination_address="10.20.0.3",
    destination_port=22,
    protocol="TCP",
    rule="policies.web.ingress[2]",
)
WORDS = st.text(max_size=30)
NUMBERS = st.integers(0, 2**32)
DENIALS = st.builds(
    Denial,
    **dict.fromkeys(("time", "host", "reason", "source", "destination", "interface", "direction"), WORDS),
    length=NUMBERS,
    observed=st.booleans(),
    **dict.fromkeys(("network", "source_address", "destination_address", "protocol", "rule"), st.none() | WORDS),
    **dict.fromkeys(("source_port", "destination_port", "type"), st.none() | NUMBERS),
    held_back=NUMBERS,
)


@given(DENIALS)
def test_a_line_says_all_of_it_in_one_line_of_ascii(denial):
    line = to_line(denial)
    assert from_line(line) == denial
    assert line.isascii()
    assert "\n" not in line


def test_what_a_packet_has_not_is_left_out():
    assert json.loads(to_line(DENIED)) == {
        "time": "2026-11-21T19:20:21.000042Z",
        "host": "hub",
        "reason": "RULE",
        "source": "web",
        "destination": "db",
        "interface": "wg0",
        "direction": "ingress",
        "length": 60,
        "observed": False,
        "network": "red",
        "source_address": "10.20.0.2",
        "source_port": 40000,
        "destination_address": "10.20.0.3",
        "destination_port": 22,
        "protocol": "TCP",
        "rule": "policies.web.ingress[2]",
    }


def test_no_part_of_a_line_is_taken_for_a_whole_one():
    line = to_line(DENIED)
    assert [cut for cut in range(len(line)) if from_line(line[:cut]) is not None] == []


@pytest.mark.parametrize(
    "line", ["", "[]", "null", "7", "{}", "\0\0", '{"time": 5}', "[" * 100000, to_line(DENIED).replace("60", "true")]
)
def test_what_is_no_denial_is_none(line):
    assert from_line(line) is None


def test_what_a_later_release_says_besides_is_passed_over():
    assert from_line(to_line(DENIED)[:-1] + ', "country": "here"}') == DENIED
