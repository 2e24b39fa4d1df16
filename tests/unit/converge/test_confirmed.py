# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A change lasts when it is confirmed; else the host goes back to what was confirmed last."""

from __future__ import annotations

import os

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.confirmed import Terms, change, confirm, roll_back
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError
from ansible_collections.weft.overlay.plugins.module_utils.diff.policy import NO_OBJECTS
from ansible_collections.weft.overlay.plugins.module_utils.kernel import journal, pending, stored
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError, LapsedError, PendingError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import PLAN_PATH, Program
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import (
    APPLIED,
    APPLYING,
    CONFIRMED,
    INTERRUPTED,
    ROLLED_BACK,
    UNDONE,
    Author,
)
from tests.unit.converge.faults import Died, Faulty, built, host, hub, run

ANNA, BERT = Author("anna@ops"), Author("bert@ops")
OLD, NEW = Program("1" * 32), Program("2" * 32)


class Host:
    """A kernel in memory, a folder for the disk, and a systemd that only remembers what it was told."""

    def __init__(self, folder, monkeypatch):
        self.kernel = MemoryKernel(host().observe())
        self.seconds, self.boot, self.told = 1000.0, "first boot", []
        self.folder = str(folder)
        monkeypatch.setattr(journal, "ROOT", f"{folder}/weft")
        monkeypatch.setattr(pending, "ROOT", f"{folder}/weft")
        monkeypatch.setattr(pending, "PENDING_PATH", f"{folder}/weft/pending.json")
        monkeypatch.setattr(pending, "_UNIT_PATH", f"{folder}/unit")
        monkeypatch.setattr(pending, "_ENABLED_PATH", f"{folder}/enabled")
        monkeypatch.setattr(pending, "possible", lambda: True)
        monkeypatch.setattr(pending, "now", lambda: self.seconds)
        monkeypatch.setattr(pending, "boot", lambda: self.boot)
        monkeypatch.setattr(pending, "run", lambda _subject, command: self.told.append(command))
        monkeypatch.setattr(stored, "PROGRAM_ROOT", f"{folder}/programs")
        monkeypatch.setattr(stored, "plan_text", self.plan)

    def plan(self):
        file = self.kernel.observe().state[kinds.FILE].get(PLAN_PATH)
        return file.text if file else None

    def change(self, plan, author=ANNA, program=NEW, seconds=60, kernel=None):
        return change(plan, kernel or self.kernel, program, NO_OBJECTS, Terms(author, seconds))

    def results(self):
        return [(entry.number, entry.author.name, entry.result) for entry in journal.entries()]

    def armed(self):
        return {name for name in ("weft/pending.json", "unit", "enabled") if os.path.lexists(f"{self.folder}/{name}")}


@pytest.fixture
def here(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def test_a_change_waits_for_its_confirmation_and_then_lasts(here):
    done = here.change(hub(1))
    assert done.number == 1
    waiting = pending.read()
    assert (waiting.stage, waiting.before, waiting.program) == (APPLIED, None, "")
    assert here.armed() == {"weft/pending.json", "unit", "enabled"}
    assert here.results() == []
    assert confirm(1).result == CONFIRMED
    assert (here.armed(), here.results()) == (set(), [(1, "anna@ops", CONFIRMED)])
    with open(journal.plan_path(1), encoding="utf-8") as kept:
        assert kept.read() == to_json(hub(1))


def test_the_timer_is_there_before_anything_is_touched(here):
    class Watching(MemoryKernel):
        def apply(self, changes):
            assert here.armed() == {"weft/pending.json", "unit", "enabled"}
            assert pending.read().stage == APPLYING
            assert any("--on-active=45" in command for command in here.told)
            assert os.path.isdir(f"{here.folder}/programs")
            super().apply(changes)

    program = Program("3" * 32, (("main.py", "print()"),))
    here.change(hub(1), program=program, seconds=45, kernel=Watching(here.kernel.observe()))
    with open(f"{here.folder}/unit", encoding="utf-8") as unit:
        assert f"ExecStart=/usr/bin/python3 -I -S /usr/local/lib/weft/{program.digest}/main.py rollback" in unit.read()


def test_a_host_that_is_as_planned_is_not_even_armed(here):
    here.change(hub(1))
    confirm(1)
    here.told.clear()
    done = here.change(hub(1))
    assert (done.number, done.outcome.changes, here.told, here.armed()) == (0, (), [], set())


@pytest.mark.fault("F11")
def test_what_is_not_confirmed_goes_back_to_what_was(here):
    here.change(hub(1), program=OLD)
    confirm(1)
    before = here.kernel.observe().state
    here.change(hub(1, 2, 3))
    assert here.kernel.observe().state != before
    roll_back(pending.read(), here.kernel, "nobody confirmed it in 60 s")
    assert here.kernel.observe().state == before
    assert here.results() == [(1, "anna@ops", CONFIRMED), (2, "anna@ops", ROLLED_BACK)]
    assert here.armed() == set()


def test_who_comes_too_late_hears_how_it_ended(here):
    here.change(hub(1))
    confirm(1)
    here.change(hub(1, 2))
    roll_back(pending.read(), here.kernel, "nobody confirmed it in 60 s")
    with pytest.raises(LapsedError, match=r"^change 2 .* it was rolled back, for nobody confirmed it in 60 s$"):
        confirm(2)
    with pytest.raises(LapsedError, match="no such change waits here"):
        confirm(3)


def test_to_confirm_twice_is_no_fault(here):
    here.change(hub(1))
    assert confirm(1) == confirm(1)


@pytest.mark.fault("F12")
def test_somebody_elses_change_is_waited_for(here):
    here.change(hub(1))
    here.seconds += 20
    with pytest.raises(PendingError, match=r"^change 1 of this host, by anna@ops, waits .* run again in 41 s"):
        here.change(hub(1, 2), author=BERT)
    assert here.results() == []
    assert here.plan() == to_json(hub(1))


def test_one_whose_time_is_over_is_not_waited_for(here):
    here.change(hub(1))
    here.seconds += 60
    assert here.change(hub(1, 2), author=BERT).number == 2
    assert pending.read().before is None


@pytest.mark.parametrize("author", [ANNA, BERT])
def test_a_run_that_was_killed_is_gone_on_with_and_its_checkpoint_stays(here, author):
    here.change(hub(1), program=OLD)
    confirm(1)
    killed = Faulty(here.kernel, 2, "die")
    with pytest.raises(Died):
        here.change(hub(1, 2, 3), kernel=killed)
    assert pending.read().stage == APPLYING
    assert here.change(hub(1, 2), author=author).number == 3
    assert pending.read().before == to_json(hub(1))
    assert pending.read().program == OLD.digest
    assert here.results() == [(1, "anna@ops", CONFIRMED), (2, "anna@ops", INTERRUPTED)]
    roll_back(pending.read(), here.kernel, "nobody came")
    assert here.plan() == to_json(hub(1))


def test_who_was_killed_before_he_confirmed_comes_again_and_confirms(here):
    here.change(hub(1))
    done = here.change(hub(1))
    assert (done.number, done.outcome.changes) == (2, ())
    assert pending.read().number == 2
    confirm(2)
    assert here.results() == [(1, "anna@ops", INTERRUPTED), (2, "anna@ops", CONFIRMED)]


def test_a_change_that_was_undone_waits_for_nobody(here):
    with pytest.raises(UndoneError):
        here.change(hub(1), kernel=Faulty(here.kernel, 3))
    assert (here.armed(), here.results()) == (set(), [(1, "anna@ops", UNDONE)])
    assert "busy" in journal.entries()[0].why


def test_what_could_not_be_undone_whole_is_left_to_the_timer(here):
    class Stuck(Faulty):
        def apply(self, changes):
            if self.done > 3:
                raise KernelError("link vxkr1", "no buffer space available")
            super().apply(changes)

    with pytest.raises(UndoneError, match="undoing it failed too"):
        here.change(hub(1), kernel=Stuck(here.kernel, 3))
    assert here.armed() == {"weft/pending.json", "unit", "enabled"}
    assert here.results() == []


@pytest.mark.fault("F13")
def test_a_boot_in_between_ends_its_time(here):
    here.change(hub(1))
    assert pending.seconds_left(pending.read()) == 60
    here.boot = "second boot"
    assert pending.seconds_left(pending.read()) == 0


def test_without_a_wish_to_confirm_it_lasts_at_once(here):
    assert here.change(hub(1), seconds=0).number == 0
    assert (here.armed(), here.results()) == (set(), [(1, "anna@ops", APPLIED)])


def test_where_nobody_keeps_time_it_lasts_at_once(here, monkeypatch):
    monkeypatch.setattr(pending, "possible", lambda: False)
    assert here.change(hub(1)).number == 0
    assert here.results() == [(1, "anna@ops", APPLIED)]


def test_a_change_that_is_decided_is_not_rolled_back_by_what_is_left_of_it(here):
    """Killed between the entry in the journal and the end of the wait."""
    here.change(hub(1))
    waiting = pending.read()
    confirm(1)
    pending.write(waiting)
    assert here.change(hub(1)).number == 0
    assert here.armed() == set()


WIDE, NARROW = hub(1, 2, 3), hub(2, 3, 4, mtu=1430)
STEPS = len(run(NARROW, MemoryKernel(built(WIDE)), 1).changes)


@pytest.mark.fault("F04")
@pytest.mark.parametrize("step", range(STEPS))
def test_killed_at_any_step_the_host_goes_back_to_what_was_confirmed(here, step):
    here.change(WIDE, program=OLD)
    confirm(1)
    before = here.kernel.observe().state
    with pytest.raises(Died):
        here.change(NARROW, kernel=Faulty(here.kernel, step, "die"))
    roll_back(pending.read(), here.kernel, "nobody confirmed it in 60 s")
    assert here.kernel.observe().state == before
    assert here.armed() == set()


@pytest.mark.fault("F04")
@pytest.mark.parametrize("step", range(STEPS))
def test_killed_at_any_step_the_next_run_brings_it_through(here, step):
    here.change(WIDE, program=OLD)
    confirm(1)
    with pytest.raises(Died):
        here.change(NARROW, kernel=Faulty(here.kernel, step, "die"))
    here.change(NARROW, author=BERT)
    assert here.plan() == to_json(NARROW)
    assert here.change(NARROW, author=BERT).outcome.changes == ()
    confirm(4)
    assert [result for _number, _author, result in here.results()] == [CONFIRMED, *[INTERRUPTED] * 2, CONFIRMED]
