# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every fault of docs/faults.yml has a test that carries its number, or says why not."""

from __future__ import annotations

import ast

import pytest

from docs.faults import ROOT, carried, faults, marks

FAULTS, CARRIED = faults(), carried()


def test_they_are_counted_without_a_gap():
    assert [fault.number for fault in FAULTS] == [f"F{number:02}" for number in range(1, 59)]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.number for fault in FAULTS])
def test_each_has_a_test_or_says_why_not(fault):
    assert CARRIED.get(fault.number) or fault.open
    assert fault.fault
    assert fault.outcome


def test_no_test_carries_a_number_that_is_none():
    assert set(CARRIED) <= {fault.number for fault in FAULTS}


@pytest.mark.parametrize("case", sorted({case for fault in FAULTS for case in fault.cases}))
def test_folders_that_show_one_are_there(case):
    assert (ROOT / case).is_dir()


def test_marks_are_read_where_they_stand():
    source = """
@pytest.mark.fault("F01", "F02")
def test_one(): ...
class TestMore:
    @pytest.mark.parametrize("x", [1])
    @pytest.mark.fault("F03")
    def test_two(self): ...
def test_none(): ...
"""
    assert list(marks(ast.parse(source))) == [("test_one", ["F01", "F02"]), ("TestMore::test_two", ["F03"])]


def test_a_mark_that_says_no_number_is_an_error():
    with pytest.raises(ValueError, match="malformed"):
        list(marks(ast.parse("@pytest.mark.fault(number)\ndef test_one(): ...")))
