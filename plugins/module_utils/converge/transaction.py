# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One host, one transaction: observe, find conflicts, diff, apply, verify; undo when anything fails.

The same code under Ansible, at boot and, on the kernel in memory, in check mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..diff.conflicts import conflicts
from ..diff.desired import Wanted, desired, moment_of
from ..diff.nothing import NOTHING_SPARED, leaving_faults, nothing
from ..diff.objects import changes
from ..diff.policy import NO_OBJECTS
from ..kernel.protocol import Kernel
from ..model.change import Change
from ..model.errors import ConflictError, PlanError, VerifyError, WeftError
from ..model.plan import HostPlan
from ..model.policed import Objects
from ..model.state import Observed
from ..model.stored import Program
from ..model.trace import Spared, Trace

# Called with all that is to be done and what was observed, before the first of it.
Begin = Callable[[tuple[Change, ...], Observed], None]
_UNDONE = "everything was changed back"


class Outcome(NamedTuple):
    """changes: what was done, in order; empty when the host was as planned. notes: for the reader of the report. kept:
    what stays of data on a host that weft leaves."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    kept: tuple[Trace, ...] = ()


class UndoneError(WeftError):
    """A step failed; the host is as it was before. The message says which step, and what is left if undoing failed.
    whole: nothing is left."""

    def __init__(self, message: str, whole: bool) -> None:
        super().__init__(message)
        self.whole = whole


def _nothing_first(_changes: tuple[Change, ...], _before: Observed) -> None:
    pass


def converge(
    plan: HostPlan,
    kernel: Kernel,
    program: Program | None = None,
    objects: Objects = NO_OBJECTS,
    begin: Begin = _nothing_first,
) -> Outcome:
    """Make the host match its plan, or leave it as it was.

    program: the code to store on the host together with the plan; None stores neither (at boot both are there).
    objects: the programs that judge; without them a plan with a policy cannot be met. begin: called
    before the first step with all that are to come, and with what was observed; what it raises ends the run there.
    Raises PlanError and ConflictError before anything is changed, UndoneError after everything was changed back.
    """
    if plan.policy is not None and not objects.files:
        raise PlanError("the plan has a policy, and the programs that judge by it did not come along; compile it again")
    before = kernel.observe()
    faults = conflicts(plan, before)
    if faults:
        raise ConflictError(faults)
    wanted = desired(plan, before.capabilities, program, moment_of(before), objects)
    return Outcome(_carry_out(wanted, before, kernel, begin), wanted.notes)


def clear(kernel: Kernel, spared: Spared = NOTHING_SPARED, disconnect: bool = False) -> Outcome:
    """Take everything of ours off the host, or leave it as it was: the way back from a host's very first plan, too.

    Host-wide switches go back to what they were. What is kept in folders of ours beside the plan (keys, denials), and
    Docker's networks, are not part of it (leaving.py). disconnect: whether running containers in those are cut off.
    Raises ConflictError before anything is changed, UndoneError.
    """
    before = kernel.observe()
    faults = leaving_faults(before, disconnect)
    if faults:
        raise ConflictError(faults)
    wanted = nothing(before, spared)
    return Outcome(_carry_out(wanted, before, kernel, _nothing_first), wanted.notes)


def _carry_out(wanted: Wanted, before: Observed, kernel: Kernel, begin: Begin) -> tuple[Change, ...]:
    todo = changes(wanted.state, before.state)
    if todo:
        begin(todo, before)
        try:
            kernel.apply(todo)
            _verify(wanted, kernel)
        except Exception as error:
            # Also a fault of our own: a traceback is no reason to leave the host between two states.
            told = str(error) if isinstance(error, WeftError) else f"{type(error).__name__}: {error}"
            left = _undo(before, wanted, kernel)
            raise UndoneError(f"{told}; {left or _UNDONE}", whole=not left) from error
    return todo


def _verify(wanted: Wanted, kernel: Kernel) -> None:
    left = changes(wanted.state, kernel.observe().state)
    if left:
        raise VerifyError(tuple(str(change) for change in left))


def _undo(before: Observed, wanted: Wanted, kernel: Kernel) -> str:
    """Converge back to what was observed first: whatever step failed, the way back is again a diff.

    Returns what the user is told of what is left; "": nothing.
    """
    checkpoint = {kind: before.state.get(kind, {}) for kind in wanted.state}
    try:
        kernel.apply(changes(checkpoint, kernel.observe().state))
        left = changes(checkpoint, kernel.observe().state)
    except Exception as failure:  # noqa: BLE001  # whatever it was, the user is told of both
        return f"undoing it failed too: {failure}; the host is between two states, run again to mend it"
    if left:
        return f"undone except for: {'; '.join(str(change) for change in left)}"
    return ""
