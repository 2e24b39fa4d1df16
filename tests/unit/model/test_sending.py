# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What sender and collector say to each other is read back as it was said, and nothing else is believed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.model.sending import (
    MOST_TOLD,
    NOTHING,
    Batch,
    MessageError,
    Position,
    RefusedError,
    answer,
    header,
    hello,
    known_octets,
    of_answer,
    of_header,
    refusal,
    spool_of,
)

MOST = 1000
PLACES = st.builds(Position, st.integers(0, 10**15 - 1), st.integers(0, 10**12 - 1), st.integers(0, MOST))
MARK = "0123456789abcdef" * 2


@given(PLACES, st.binary(min_size=1, max_size=50))
def test_what_is_said_is_read_back(at, data):
    assert of_answer(answer(at)) == at
    assert spool_of(hello(MARK)) == MARK
    found = Batch(at, data)
    if at.segment and at.offset + len(data) <= MOST:
        assert of_header(header(found), MOST) == (at, len(data))
    else:
        with pytest.raises(MessageError):
            of_header(header(found), MOST)
    assert max(map(len, (answer(at), header(found), hello(MARK), refusal("x" * 10_000)))) < MOST_TOLD


def test_a_refusal_is_told_and_cannot_write_to_a_terminal():
    with pytest.raises(RefusedError, match=r"^no space\?\[31m$"):
        of_answer(refusal("no space\x1b[31m"))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"{}\n",
        b"[]\n",
        b"\xff\n",
        b"[" * 1023 + b"\n",
        b'{"at": [1, 2]}\n',
        b'{"at": [1, 2, -1]}\n',
        b'{"at": [1, 2, true]}\n',
        b'{"at": [1, 2, 1.0]}\n',
        b'{"at": [1, 2, 10000000000000000]}\n',
        b'{"at": ["1", 2, 3]}\n',
        b'{"weft": 2, "spool": "' + MARK.encode() + b'"}\n',
        b'{"weft": 1, "spool": "../../etc"}\n',
        b'{"weft": 1}\n',
        b'{"at": [1, 2, 3], "octets": 998}\n',
        b'{"at": [1, 2, 3], "octets": 0}\n',
        b'{"at": [1, 2, 3], "octets": "9"}\n',
        b'{"at": [0, 0, 0], "octets": 9}\n',
    ],
)
def test_anything_else_is_refused(line):
    for read in (spool_of, lambda said: of_header(said, MOST)):
        with pytest.raises(MessageError):
            read(line)
    if b"octets" not in line:
        with pytest.raises(MessageError):
            of_answer(line)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_a_batch_adds_what_is_not_there_and_only_that(sizes, data):
    """The collector has some of a segment; a batch is any part of it."""
    whole = b"".join(b"x" * size + b"\n" for size in sizes)
    have = data.draw(st.integers(0, len(whole)))
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(begin + 1, len(whole)))
    known = known_octets(Position(3, 1, have), Batch(Position(3, 1, begin), whole[begin:end]))
    if begin > have:
        assert known is None
    else:
        assert whole[:have] + whole[begin:end][known:] == whole[: max(have, end)]


def test_segments_come_in_their_order():
    have = Position(3, 10, 5)
    assert known_octets(have, Batch(Position(2, 9, 0), b"old\n")) == 4
    assert known_octets(have, Batch(Position(4, 11, 0), b"new\n")) == 0
    assert known_octets(have, Batch(Position(4, 11, 1), b"new\n")) is None
    assert known_octets(have, Batch(Position(3, 11, 5), b"of another spool\n")) is None
    assert known_octets(NOTHING, Batch(Position(1, 1, 0), b"first\n")) == 0
    assert json.loads(answer(have)) == {"at": [3, 10, 5]}
