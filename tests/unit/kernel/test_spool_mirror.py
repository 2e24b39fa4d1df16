# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every line of a spool is in its mirror once and in order, or was counted, whoever was cut off when."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.mirror import ORIGIN, Mirror
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.reader import (
    SENT,
    Sent,
    StrangeError,
    mark_of,
    new_mark,
    read_after,
    read_sent,
    unsent_octets,
    write_sent,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.segments import Bounds, segments_in
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.writer import Spool, lines
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import NOTHING, Batch, Position

SMALL = Bounds(octets=400, segment=100, seconds=800)
LARGE = Bounds(octets=1 << 20, segment=100, seconds=1 << 40)
NOW = 1_700_000_000.0
MARK = "0123456789abcdef" * 2

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 6), st.integers(0, 200)),
        st.tuples(st.just("send"), st.sampled_from(["whole", "whole", "whole", "unanswered", "half", "torn"])),
        st.tuples(st.sampled_from(["again", "connect", "restart host", "restart collector", "forget", "wipe"])),
    ),
    max_size=60,
)


class World:
    """A host with its spool, its sender, and a collector."""

    def __init__(self, folder: str) -> None:
        self.here, self.there = f"{folder}/here", f"{folder}/there"
        self.now = NOW
        self.said: list[str] = []
        self.unsent = 0
        self.wiped: list[str] = []
        self.restart_host()
        self.mirror = Mirror(self.there, LARGE)
        self.at: Position | None = None
        self.mark = ""
        self.last: tuple[str, Batch] | None = None

    def restart_host(self) -> None:
        if self.said:
            self.unsent += self.spool.unsent
        self.spool = Spool(self.here, SMALL, lambda: read_sent(self.here))

    def write(self, count: int, pause: int) -> None:
        self.now += pause
        batch = [f"{len(self.said) + turn}:".ljust(20, "x") for turn in range(count)]
        self.said += batch
        self.spool.append(batch, self.now)

    def connect(self) -> None:
        self.mark = mark_of(self.here)
        self.at = self.mirror.position(self.mark)
        write_sent(self.here, Sent(self.mark, self.at))

    def send(self, how: str) -> bool:
        """Whether there was something to send."""
        if self.at is None:
            self.connect()
        try:
            batch = read_after(self.here, self.at, 50)
        except StrangeError:
            raise AssertionError("the collector has a place that this spool never had") from None
        if batch is None:
            return False
        if mark_of(self.here) != self.mark:
            self.at = None
            return True
        self.last = self.mark, batch
        if how == "half":
            self.at = None
        elif how == "torn":
            # The collector dies in the middle of writing.
            self.mirror.take(self.mark, batch, self.now)
            newest = Path(self.there) / segments_in(self.there)[-1].name
            os.truncate(newest, newest.stat().st_size - len(batch.data) // 2)
            self.restart_collector()
        else:
            at = self.mirror.take(self.mark, batch, self.now)
            self.at = None
            if how == "whole":
                self.at = at
                write_sent(self.here, Sent(self.mark, at))
        return True

    def again(self) -> None:
        """What was on its way from a connection before."""
        if self.last is not None and self.last[0] == self.mark:
            self.mirror.take(*self.last, self.now)

    def restart_collector(self) -> None:
        self.mirror, self.at = Mirror(self.there, LARGE), None

    def forget(self) -> None:
        Path(self.here, SENT).unlink(missing_ok=True)
        self.at = None

    def wipe(self) -> None:
        """The host loses its disk, with all that was not sent."""
        at = self.mirror.position(mark_of(self.here))
        while (batch := read_after(self.here, at, 50)) is not None:
            self.wiped += batch.data.decode().splitlines()
            at = batch.end
        self.unsent += self.spool.unsent
        shutil.rmtree(self.here)
        self.spool = Spool(self.here, SMALL, lambda: read_sent(self.here))
        self.at = None

    def drain(self) -> None:
        self.at = None
        turns = 0
        while self.send("whole"):
            turns += 1
            assert turns < 1000, "it goes round in circles"


@settings(max_examples=150)
@given(STEPS)
def test_each_line_arrives_once_and_in_order_or_is_counted(steps):
    with TemporaryDirectory() as folder:
        world = World(folder)
        for name, *arguments in steps:
            getattr(world, name.replace(" ", "_"))(*arguments)
        world.drain()
        found = list(lines(world.there))
        assert found == sorted(set(found), key=world.said.index), "a line came twice, or before its time"
        missing = set(world.said) - set(found) - set(world.wiped)
        assert len(missing) <= world.unsent + world.spool.unsent, "a line went and was not counted"
        assert unsent_octets(world.here) == 0
        if not world.unsent + world.spool.unsent:
            assert not missing


def batch(text: str, segment: int = 1, offset: int = 0, began: int = int(NOW)) -> Batch:
    return Batch(Position(segment, began, offset), text.encode())


def test_what_is_unsent_is_counted_to_the_line_when_its_room_is_needed(tmp_path):
    here = str(tmp_path)
    spool = Spool(here, SMALL, lambda: read_sent(here))
    spool.append([f"{number}:".ljust(24, "x") for number in range(16)], NOW)
    assert (spool.octets, spool.segments, spool.unsent) == (400, 4, 0)
    write_sent(here, Sent(mark_of(here), Position(1, int(NOW), 75)))
    assert unsent_octets(here) == 325
    spool.append(["one more"], NOW)
    assert (spool.dropped, spool.unsent) == (4, 1)
    spool.append(["x" * 99], NOW)
    assert (spool.dropped, spool.unsent) == (8, 5)


def test_nothing_is_unsent_where_nobody_sends(tmp_path):
    spool = Spool(str(tmp_path), SMALL)
    spool.append(["x" * 99] * 8, NOW)
    assert (spool.dropped, spool.unsent) == (4, 0)


def test_what_expires_unsent_is_counted(tmp_path):
    here = str(tmp_path)
    spool = Spool(here, SMALL, lambda: read_sent(here))
    spool.append(["a", "b"], NOW)
    spool.expire(NOW + 801)
    assert (spool.expired, spool.unsent) == (2, 2)
    spool.append(["c"], NOW + 900)
    assert read_after(here, Position(1, int(NOW), 4)) == batch("c\n", 2, began=int(NOW) + 900)


def test_an_older_state_of_a_spool_is_not_taken_for_the_one_that_arrived(tmp_path):
    here = str(tmp_path)
    Spool(here, SMALL).append(["a"], NOW)
    for place in (Position(2, int(NOW), 1), Position(1, int(NOW), 3), Position(1, int(NOW) + 1, 2)):
        with pytest.raises(StrangeError):
            read_after(here, place)
    before = mark_of(here)
    assert new_mark(here) == mark_of(here) != before


def test_half_a_line_is_not_sent_before_its_end_is_there(tmp_path):
    Spool(str(tmp_path)).append(["whole"], NOW)
    (path,) = tmp_path.iterdir()
    with path.open("ab") as stream:
        stream.write(b"hal")
    found = read_after(str(tmp_path), NOTHING)
    assert found.data == b"whole\n"
    assert read_after(str(tmp_path), found.end) is None
    with path.open("ab") as stream:
        stream.write(b"f\n")
    assert read_after(str(tmp_path), found.end).data == b"half\n"


def test_a_line_that_is_longer_than_a_batch_is_sent_as_a_whole(tmp_path):
    Spool(str(tmp_path)).append(["x" * 1000, "y"], NOW)
    found = read_after(str(tmp_path), NOTHING, 64)
    assert found.data[:1001] == b"x" * 1000 + b"\n"


def test_a_full_disk_at_the_collector_loses_nothing_and_takes_all_later(tmp_path):
    mirror = Mirror(str(tmp_path), SMALL)
    mirror.take(MARK, batch("there\n"), NOW)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9, hard))
    try:
        with pytest.raises(KernelError, match="File too large"):
            mirror.take(MARK, batch("new\nnewer\n", offset=6), NOW)
        assert mirror.position(MARK) == Position(1, int(NOW), 6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert mirror.take(MARK, batch("new\nnewer\n", offset=6), NOW).offset == 16
    assert list(lines(str(tmp_path))) == ["there", "new", "newer"]


def test_what_does_not_follow_is_not_taken(tmp_path):
    mirror = Mirror(str(tmp_path), SMALL)
    mirror.take(MARK, batch("a\n"), NOW)
    for strange in (batch("b\n", offset=3), batch("b\n", 2, 1), batch("b\n", offset=2, began=5)):
        assert mirror.take(MARK, strange, NOW) == Position(1, int(NOW), 2)
    assert list(lines(str(tmp_path))) == ["a"]


@pytest.mark.parametrize("text", ["", "no end", "a\nno end", "x" * 100 + "\n"])
def test_what_is_no_lines_is_refused(tmp_path, text):
    with pytest.raises(KernelError, match="no whole lines"):
        Mirror(str(tmp_path), SMALL).take(MARK, batch(text), NOW)


def test_a_mirror_keeps_to_the_bound_and_to_the_time(tmp_path):
    mirror = Mirror(str(tmp_path), SMALL)
    for segment in range(1, 9):
        mirror.take(MARK, batch("x" * 99 + "\n", segment, began=int(NOW) + segment), NOW)
    assert [segment.number for segment in segments_in(str(tmp_path))] == [5, 6, 7, 8]
    mirror.expire(NOW + 807)
    assert [segment.number for segment in segments_in(str(tmp_path))] == [7, 8]


def test_segments_have_numbers_that_their_names_have_room_for(tmp_path):
    mirror = Mirror(str(tmp_path), SMALL)
    for turn in range(10):
        mirror.take(f"{turn:032}", batch("a\n", 10**15 - 1), NOW)
    with pytest.raises(KernelError, match="no number of a segment"):
        mirror.take("f" * 32, batch("a\n", 10**15 - 1), NOW)


@pytest.mark.parametrize("again", [False, True])
def test_where_all_has_expired_it_is_still_known_what_arrived(tmp_path, again):
    folder = str(tmp_path)
    Mirror(folder, SMALL).take(MARK, batch("old\n"), NOW)
    Mirror(folder, SMALL).expire(NOW + 801)
    assert segments_in(folder) == []
    mirror = Mirror(folder, SMALL)
    assert mirror.position(MARK) == Position(1, int(NOW), 4)
    assert mirror.take(MARK, batch("old\n"), NOW) == Position(1, int(NOW), 4)
    assert mirror.take(MARK, batch("late\n", offset=4), NOW) == Position(1, int(NOW), 9)
    mirror = Mirror(folder, SMALL) if again else mirror
    assert mirror.take(MARK, batch("late\nlater\n", offset=4), NOW) == Position(1, int(NOW), 15)
    assert list(lines(folder)) == ["late", "later"]


def test_another_spool_of_the_host_follows_the_one_before(tmp_path):
    folder = str(tmp_path)
    Mirror(folder, SMALL).take(MARK, batch("before\n", 7), NOW)
    other = MARK[::-1]
    assert Mirror(folder, SMALL).position(other) == NOTHING
    assert Mirror(folder, SMALL).take(other, batch("after\n"), NOW) == Position(1, int(NOW), 6)
    assert Mirror(folder, SMALL).position(other) == Position(1, int(NOW), 6)
    assert list(lines(folder)) == ["before", "after"]
    assert [segment.number for segment in segments_in(folder)] == [7, 8]


def test_only_root_may_read_it(tmp_path):
    folder = tmp_path / "audit" / "web"
    Mirror(str(folder), SMALL).take(MARK, batch("a\n"), NOW)
    assert {path.name for path in folder.iterdir()} == {ORIGIN, f"{1:016}-{int(NOW)}.jsonl"}
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert (folder.stat().st_mode & 0o777, modes) == (0o700, {0o600})
