# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A disk that is full from any write on, and links that somebody removes in the middle: what is said, what is left,
and that the next run, or the timer, gets through once there is room again."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.confirmed import confirm, roll_back, waiting
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError
from ansible_collections.weft.overlay.plugins.module_utils.kernel import atomic, journal, pending
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import Program
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import CONFIRMED, INTERRUPTED
from tests.unit.converge.faults import Died, Faulty, built, failure, run
from tests.unit.converge.test_confirmed import ANNA, BERT, NARROW, WIDE, Host
from tests.unit.converge.test_transaction import STEPS

OLD = Program("1" * 32, (("main.py", "old"),))
NEW = Program("2" * 32, (("main.py", "new"), ("weft_overlay/edge/command.py", "new")))
FULL = os.strerror(errno.ENOSPC)
_ON_DISK = (kinds.FILE, kinds.PROGRAM, kinds.ORIGIN)


class Disk:
    """Takes so many writes more, and then none. writes: None for a disk with room."""

    def __init__(self, monkeypatch):
        self.room = None
        self.taken = 0
        write, folder, link = atomic._write, atomic.folder, os.symlink
        monkeypatch.setattr(atomic, "_write", lambda stream, data: (self.take(), write(stream, data)))
        monkeypatch.setattr(atomic, "folder", lambda path: (os.path.isdir(path) or self.take(), folder(path)))
        monkeypatch.setattr(os, "symlink", lambda target, path: (self.take(), link(target, path)))

    def take(self):
        if self.room is not None and self.taken >= self.room:
            raise OSError(errno.ENOSPC, FULL)
        self.taken += 1

    def full_after(self, writes):
        self.taken, self.room = 0, writes

    def cleared(self):
        self.room = None


class OnDisk:
    """A kernel in memory whose files need room on the disk."""

    def __init__(self, inner, disk):
        self.inner, self.disk = inner, disk

    def observe(self):
        return self.inner.observe()

    def apply(self, changes):
        for change in changes:
            if change.kind in _ON_DISK and change.action != REMOVE:
                try:
                    self.disk.take()
                except OSError as error:
                    raise KernelError(f"{change.kind} {change.key}", error.strerror) from error
            self.inner.apply([change])


class Place(Host):
    """A host whose disk can be full."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        self.disk = Disk(monkeypatch)
        self.kernel = OnDisk(self.kernel, self.disk)
        self.change(WIDE, program=OLD)
        confirm(1)

    def state(self):
        """Of a program only its digest can be seen."""
        found = self.kernel.observe().state
        programs = {key: Program(one.digest) for key, one in found[kinds.PROGRAM].items()}
        return {**found, kinds.PROGRAM: programs}

    def begun(self):
        """A change that was killed in its middle, when everything of it was stored."""
        with pytest.raises(Died):
            self.change(NARROW, program=NEW, kernel=Faulty(self.kernel, MIDDLE, "die"))

    def programs(self):
        folder = f"{self.folder}/programs"
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def left_over(self):
        """Of writes that did not come to their end, and of changes that did not either."""
        found = {name for _at, _folders, names in os.walk(self.folder) for name in names if name.endswith(".new")}
        kept = {f"{entry.number}.json" for entry in journal.entries() if entry.result == CONFIRMED}
        plans = f"{self.folder}/weft/plans"
        return found | (set(os.listdir(plans)) - kept) | self.armed()


@pytest.fixture
def place(tmp_path, monkeypatch):
    return Place(tmp_path, monkeypatch)


MIDDLE = len(run(NARROW, MemoryKernel(built(WIDE)), 1).changes) // 2
# How many writes there are in all: a change stores its program, its timer and itself, then the host's files.
CHANGING, CONFIRMING, GOING_BACK = 8, 2, 3


def _full(place, writes, call):
    """True where the disk was full before it was done; then that is said."""
    place.disk.full_after(writes)
    error = failure(call)
    place.disk.cleared()
    if error is None:
        return False
    assert FULL in str(error)
    assert any(where in str(error) for where in ("weft", "unit", "file /", "program ", "original "))
    return True


@pytest.mark.fault("F05")
@pytest.mark.parametrize("writes", range(CHANGING))
def test_where_the_disk_gets_full_the_host_goes_back_by_itself(place, writes):
    before, programs = place.state(), place.programs()
    assert _full(place, writes, lambda: place.change(NARROW, program=NEW))
    left = waiting()
    if left is None:
        assert place.programs() == programs
    else:
        roll_back(left, place.kernel, "nobody confirmed it in 60 s")
    assert place.state() == before
    assert place.left_over() == set()


@pytest.mark.fault("F05")
@pytest.mark.parametrize("author", [ANNA, BERT])
@pytest.mark.parametrize("writes", range(CHANGING))
def test_where_the_disk_was_full_the_next_run_gets_through(place, writes, author):
    foreign = place.kernel.observe().foreign
    _full(place, writes, lambda: place.change(NARROW, program=NEW))
    place.seconds += 60
    number = place.change(NARROW, program=NEW, author=author).number
    confirm(number)
    assert place.plan() == to_json(NARROW)
    assert place.change(NARROW, program=NEW).outcome.changes == ()
    assert place.kernel.observe().foreign == foreign
    assert place.left_over() == set()
    assert [number for number, _author, _result in place.results()] == list(range(1, number + 1))


@pytest.mark.fault("F04", "F05")
@pytest.mark.parametrize("writes", range(CHANGING + 1))
def test_what_a_killed_run_goes_back_to_is_not_lost_to_a_full_disk(place, writes):
    before = place.state()
    place.begun()
    _full(place, writes, lambda: place.change(NARROW, program=NEW, author=BERT))
    left = waiting()
    assert left.before == to_json(WIDE)
    roll_back(left, place.kernel, "nobody confirmed it in 60 s")
    assert place.state() == before
    assert place.left_over() == set()


@pytest.mark.parametrize("writes", range(CONFIRMING + 1))
def test_what_could_not_be_written_down_is_not_confirmed(place, writes):
    before = place.state()
    place.change(NARROW, program=NEW)
    refused = _full(place, writes, lambda: confirm(2))
    assert refused is (writes < CONFIRMING)
    assert place.results()[1:] == ([] if refused else [(2, "anna@ops", CONFIRMED)])
    if refused:
        roll_back(waiting(), place.kernel, "nobody confirmed it in 60 s")
        assert place.state() == before
    assert place.left_over() == set()


@pytest.mark.parametrize("writes", range(CONFIRMING))
def test_who_makes_room_in_time_confirms(place, writes):
    place.change(NARROW, program=NEW)
    assert _full(place, writes, lambda: confirm(2))
    assert confirm(2).result == CONFIRMED
    assert waiting() is None


@pytest.mark.parametrize("writes", range(GOING_BACK))
def test_a_way_back_that_finds_no_room_is_gone_when_there_is(place, writes):
    before = place.state()
    place.change(NARROW, program=NEW)
    assert _full(place, writes, lambda: roll_back(waiting(), place.kernel, "nobody confirmed it in 60 s"))
    roll_back(waiting(), place.kernel, "nobody confirmed it in 60 s")
    assert place.state() == before
    assert place.left_over() == set()


def test_a_change_that_was_undone_and_cannot_be_written_down_says_both(place):
    before = place.state()
    place.disk.full_after(5)
    with pytest.raises(UndoneError, match="busy; everything was changed back; and that could not be written down: "):
        place.change(NARROW, program=NEW, kernel=Faulty(place.kernel, 0))
    place.disk.cleared()
    assert place.state() == before
    roll_back(waiting(), place.kernel, "nobody confirmed it in 60 s")
    assert place.left_over() == set()


def test_a_change_that_cannot_be_kept_waiting_says_when_it_goes_back(place):
    place.disk.full_after(CHANGING - 1)
    with pytest.raises(KernelError, match=rf"{FULL}; this host is as planned, and goes back by itself within 60 s$"):
        place.change(NARROW, program=NEW)


def test_what_is_left_of_a_decided_change_does_not_undo_it(place):
    """Killed between the entry in the journal and the end of the wait."""
    place.change(NARROW, program=NEW)
    left = pending.read()
    confirm(2)
    pending.write(left)
    assert confirm(2).result == CONFIRMED
    assert waiting() is None
    assert place.left_over() == set()


def test_what_a_host_does_by_itself_meanwhile_has_a_number_of_its_own(place):
    """A boot or the watch writes its entry while a change waits."""
    place.change(NARROW, program=NEW)
    assert pending.next_number() == 3
    journal.write(journal.entries()[0]._replace(number=pending.next_number()))
    assert confirm(2).result == CONFIRMED
    assert pending.next_number() == 4


def test_who_goes_on_from_a_killed_run_says_so_only_when_it_is_armed(place):
    place.begun()
    place.disk.full_after(0)
    with pytest.raises(KernelError):
        place.change(NARROW, program=Program("3" * 32, (("main.py", "newer"),)), author=BERT)
    place.disk.cleared()
    assert place.results() == [(1, "anna@ops", CONFIRMED)]
    assert waiting().number == 2
    assert place.change(NARROW, program=NEW, author=BERT).number == 3
    assert place.results()[1:] == [(2, "anna@ops", INTERRUPTED)]


class Removing(Faulty):
    """Somebody removes a link of ours just before a step."""

    def __init__(self, inner, step, name):
        super().__init__(inner)
        self.at, self.name = step, name

    def apply(self, changes):
        for change in changes:
            number, self.done = self.done, self.done + 1
            link = self.inner.observe().state[kinds.LINK].get(self.name)
            if number == self.at and link is not None:
                self.inner.apply([Change(REMOVE, kinds.LINK, self.name, link, None)])
            self.inner.apply([change])


@pytest.mark.fault("F05")
@pytest.mark.parametrize(("observed", "plan", "step"), STEPS)
def test_where_a_link_goes_in_the_middle_all_is_changed_back_and_the_next_run_gets_through(observed, plan, step):
    wanted = MemoryKernel(observed)
    run(plan, wanted)
    names = {*observed.state.get(kinds.LINK, {}), *wanted.observe().state[kinds.LINK]}
    before = MemoryKernel(observed).observe()
    for name in sorted(names):
        kernel = Removing(MemoryKernel(observed), step, name)
        error = failure(lambda kernel=kernel: run(plan, kernel))
        if error is not None:
            assert str(error).startswith((*kinds.KINDS, "after applying the plan the host still differs: "))
            assert str(error).endswith("; everything was changed back")
            assert kernel.observe() == before
            run(plan, kernel.inner)
        assert kernel.observe().state == wanted.observe().state
        assert run(plan, kernel.inner).changes == ()
