# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A spool keeps to its bound, keeps what is newest, and outlives whatever a power failure leaves of its files."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.writer import BOUNDS, Bounds, Spool, lines
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError

SMALL = Bounds(octets=400, segment=100, seconds=800)
NOW = 1_700_000_000.0

# Batches of lines, and how many seconds pass before each.
BATCHES = st.lists(st.tuples(st.floats(0, 300), st.lists(st.integers(1, 120), max_size=12)), max_size=25)


def on_disk(folder: str) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder))


def text(number: int, length: int) -> str:
    """A line of its own, so long with its end or a little longer."""
    return f"{number}:".ljust(length - 1, "x")


@given(BATCHES, st.booleans())
def test_the_bound_holds_and_the_newest_lines_are_there(batches, restarted):
    with TemporaryDirectory() as folder:
        spool, now, number = Spool(folder, SMALL), NOW, 0
        said: list[str] = []
        gone = 0
        for pause, lengths in batches:
            now += pause
            if restarted:
                gone += spool.dropped + spool.expired
                spool = Spool(folder, SMALL)
            batch = [text(number + turn, length) for turn, length in enumerate(lengths)]
            number += len(batch)
            spool.append(batch, now)
            said += batch
            found = list(lines(folder))
            assert on_disk(folder) == spool.octets <= SMALL.octets
            fitting = [line for line in said if len(line) < SMALL.segment]
            assert found == fitting[len(fitting) - len(found) :], "a line is missing in between, or at the end"
            assert len(found) + gone + spool.dropped + spool.expired == len(said), "a line went and was not counted"
            if batch and len(batch[-1]) < SMALL.segment:
                assert found[-1] == batch[-1]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=9), st.data())
def test_what_a_power_failure_leaves_costs_no_whole_line(lengths, data):
    """The last file ends at any byte, or in zeros that were never written."""
    with TemporaryDirectory() as folder:
        said = [text(number, length) for number, length in enumerate(lengths)]
        Spool(folder, BOUNDS).append(said, NOW)
        (path,) = Path(folder).iterdir()
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut] + bytes(data.draw(st.integers(0, 30))))
        left = said[: whole[:cut].count(b"\n")]
        assert list(lines(folder)) == left
        Spool(folder, BOUNDS).append(["next"], NOW + 1)
        assert list(lines(folder)) == [*left, "next"]


def test_every_byte_that_it_may_end_at(tmp_path):
    said = ["one", "", "three", "4"]
    whole = b"".join(line.encode() + b"\n" for line in said)
    for cut in range(len(whole) + 1):
        folder = tmp_path / str(cut)
        Spool(str(folder)).append(said, NOW)
        (path,) = folder.iterdir()
        path.write_bytes(whole[:cut])
        left = said[: whole[:cut].count(b"\n")]
        Spool(str(folder)).append(["next"], NOW)
        assert list(lines(str(folder))) == [*left, "next"]


def test_only_root_may_read_it(tmp_path):
    folder = tmp_path / "lib" / "audit"
    Spool(str(folder)).append(["a"], NOW)
    (path,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_is_too_old_goes_and_is_counted_as_such(tmp_path):
    spool = Spool(str(tmp_path), SMALL)
    spool.append(["old", "older"], NOW)
    spool.append(["young"], NOW + 200)
    spool.expire(NOW + 801)
    assert (list(lines(str(tmp_path))), spool.expired, spool.dropped) == (["young"], 2, 0)
    spool.expire(NOW + 1001)
    assert (list(lines(str(tmp_path))), spool.octets, spool.segments) == ([], 0, 0)


@pytest.mark.fault("F34")
def test_a_clock_that_is_set_back_loses_nothing(tmp_path):
    spool = Spool(str(tmp_path), SMALL)
    spool.append(["before"], NOW)
    spool.append(["after"], NOW - 10_000)
    assert list(lines(str(tmp_path))) == ["before", "after"]


def test_other_files_there_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine\n", encoding="utf-8")
    Spool(str(tmp_path), SMALL).append(["a"], NOW)
    assert list(lines(str(tmp_path))) == ["a"]
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine\n"


def test_a_full_disk_costs_what_is_new_and_nothing_that_was_there(tmp_path):
    """Files that may not grow stand for a disk that is full; a part of a line is written first."""
    spool = Spool(str(tmp_path), SMALL)
    spool.append(["there"], NOW)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9, hard))
    try:
        with pytest.raises(KernelError, match="File too large"):
            spool.append(["new", "newer"], NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert spool.dropped == 2
    spool.append(["later"], NOW)
    assert list(lines(str(tmp_path))) == ["there", "later"]


def test_a_line_cannot_be_two(tmp_path):
    with pytest.raises(KernelError, match="line break"):
        Spool(str(tmp_path)).append(["a\nb"], NOW)


def test_where_nothing_was_written_nothing_is_read(tmp_path):
    assert list(lines(str(tmp_path / "none"))) == []


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(KernelError, match=r"spool .*/file/audit: Not a directory"):
        Spool(str(tmp_path / "file" / "audit"))
