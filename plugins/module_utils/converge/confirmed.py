# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Confirm or roll back: a change lasts when whoever made it has come back over a new connection to say so; else the
host goes back, by itself, to the last plan that somebody confirmed.

The caller holds the host's lock (kernel/lock.py) in all of these.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from ..diff.policy import NO_OBJECTS
from ..kernel import journal, pending, stored
from ..kernel.protocol import Kernel
from ..model import state as kinds
from ..model.change import Change
from ..model.errors import KernelError, LapsedError, PendingError
from ..model.plan import HostPlan, from_json, to_json
from ..model.policed import Objects
from ..model.state import Observed
from ..model.stored import PLAN_PATH, Program
from ..model.transaction import (
    APPLIED,
    APPLYING,
    CONFIRMED,
    INTERRUPTED,
    ROLLED_BACK,
    UNDONE,
    Author,
    Entry,
    Pending,
    digest_of,
    shortened,
)
from .transaction import Outcome, UndoneError, clear, converge


class Done(NamedTuple):
    """number: of the change that is to be confirmed; 0: there is none."""

    outcome: Outcome
    number: int = 0


class Terms(NamedTuple):
    """author: who changes this host. seconds: until it goes back, if nobody confirms; 0: nobody has to."""

    author: Author
    seconds: int


def change(plan: HostPlan, kernel: Kernel, program: Program, objects: Objects, terms: Terms) -> Done:
    """Make the host match its plan, until that is confirmed or its time is over. program: stored with the plan.

    Raises PendingError where somebody else's change waits for its confirmation, and what converge raises.
    """
    left = _left(terms.author)
    step = _Step(plan, program, terms, left)
    try:
        outcome = converge(plan, kernel, program, objects, step.begin)
    except UndoneError as error:
        step.undone(error)
        raise
    if not outcome.changes:
        if left is None:
            return Done(outcome)
        # What an interrupted run has done is all that this one wanted; nobody has confirmed it.
        step.begin((), kernel.observe())
    return Done(outcome, step.end())


def waiting() -> Pending | None:
    """The change that nobody has decided on yet. What is left of one that was decided, by who was killed then or had no
    room to go on, goes. Raises PlanError, KernelError."""
    left = pending.read()
    if left is not None and _ended(left.number) is not None:
        pending.disarm(left.number)
        return None
    return left


def _left(author: Author) -> Pending | None:
    """A change that was interrupted, or that its author did not come back to; it is this one's to go on with."""
    left = waiting()
    if left is None:
        return None
    if left.stage == APPLIED and left.author.name != author.name and pending.seconds_left(left) > 0:
        raise PendingError(left.number, left.author.name, int(pending.seconds_left(left)) + 1)
    return left


def _ended(number: int) -> Entry | None:
    return next((entry for entry in journal.entries() if entry.number == number), None)


def _kept(observed: Observed) -> tuple[str | None, str]:
    """The plan and the program that the host would boot."""
    plan = observed.state.get(kinds.FILE, {}).get(PLAN_PATH)
    program = observed.state.get(kinds.PROGRAM, {}).get("program")
    return plan.text if plan else None, program.digest if program else ""


class _Step:
    """One change from before it begins to where it waits for its confirmation. left: one that it goes on from."""

    def __init__(self, plan: HostPlan, program: Program, terms: Terms, left: Pending | None) -> None:
        self._text = to_json(plan)
        self._program = program
        self._terms = terms
        self._left = left
        self._pending: Pending | None = None
        # Without somebody who keeps time there is nothing to wait for.
        self._asked = terms.seconds > 0 and pending.possible()

    def begin(self, changes: tuple[Change, ...], observed: Observed) -> None:
        """Before anything is touched."""
        left = self._left
        before, program = _kept(observed) if left is None else (left.before, left.program)
        made = Pending(
            number=pending.next_number(),
            author=self._terms.author,
            boot=pending.boot(),
            until=pending.now() + self._terms.seconds,
            seconds=self._terms.seconds,
            stage=APPLYING,
            plan=digest_of(self._text),
            before=before,
            program=program,
            changes=shortened(tuple(map(str, changes))),
        )
        if self._asked:
            self._arm(made)
        self._pending = made
        if left is not None:
            # Not before the new one is armed: what is decided has nothing to go back to any more.
            why = f"it ended while it was being applied, or nobody came back; change {made.number} goes on"
            journal.write(_entry(left, INTERRUPTED, why))
            pending.stop_timer(left.number)

    def _arm(self, made: Pending) -> None:
        """What is of no use without the rest goes again: a disk that is full is not to stay so because of us."""
        try:
            stored.keep(self._program)
            pending.arm(made, self._program.digest)
        except KernelError:
            if self._left is None:
                stored.forget(self._program)
            raise

    def end(self) -> int:
        """Everything is applied. Returns what is to be confirmed; 0: nothing. Raises KernelError."""
        made = self._begun()
        try:
            if self._asked:
                pending.write(made._replace(stage=APPLIED, until=pending.now() + made.seconds))
                return made.number
            journal.write(_entry(made, APPLIED), self._text)
        except KernelError as error:
            goes = f"and goes back by itself within {made.seconds} s" if self._asked else "and stays so"
            reason = f"{error.reason}; this host is as planned, {goes}"
            raise KernelError(error.subject, reason) from error
        return 0

    def _begun(self) -> Pending:
        if self._pending is None:
            raise RuntimeError("a change ended that never began")
        return self._pending

    def undone(self, error: UndoneError) -> None:
        """What could not be undone whole is left to the timer."""
        made = self._pending
        if made is None or (self._asked and not error.whole):
            return
        try:
            if not self._asked:
                stored.forget(self._program)
            journal.write(_entry(made, UNDONE, str(error)))
            if self._asked:
                pending.disarm(made.number)
                stored.forget(self._program)
        except KernelError as another:
            # Then the timer finds a host that has gone back already.
            raise UndoneError(f"{error}; and that could not be written down: {another}", error.whole) from error


def confirm(number: int) -> Entry:
    """The change lasts. Saying it twice is no fault. Raises LapsedError where it is gone already."""
    left, ended = waiting(), _ended(number)
    if ended is not None and ended.result == CONFIRMED:
        return ended
    if left is None or left.number != number:
        raise LapsedError(number, _told(ended))
    entry = _entry(left, CONFIRMED)
    journal.write(entry, stored.plan_text())
    pending.disarm(number)
    return entry


def _told(ended: Entry | None) -> str:
    if ended is None:
        return "no such change waits here"
    return f"it was {ended.result}" + (f", for {ended.why}" if ended.why else "")


def roll_back(left: Pending, kernel: Kernel, why: str) -> Outcome:
    """To the last plan that somebody confirmed; to nothing, where there was none. Raises WeftError: it still waits."""
    outcome = _restore(left, kernel)
    journal.write(_entry(left, ROLLED_BACK, why))
    pending.disarm(left.number)
    return outcome


def _restore(left: Pending, kernel: Kernel) -> Outcome:
    if left.before is None:
        return clear(kernel)
    plan = from_json(left.before)
    objects = stored.objects(left.program) if plan.policy is not None else NO_OBJECTS
    return converge(plan, kernel, Program(left.program), objects)


def _entry(change: Pending, result: str, why: str = "") -> Entry:
    return Entry(change.number, int(time.time()), change.author, change.plan, result, why, change.changes)
