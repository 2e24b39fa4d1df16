# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Everything the rooms raise. Only edge/ turns these into a failed task.

WeftError
├── IntentError     the operator's turn: the intent or the inventory is wrong; nothing was touched
├── MeasureError    the operator's turn: a benchmark cannot be run as asked, or did not run whole; nothing was touched
├── QuestionError   the operator's turn: what is asked of policies is about nobody, or is no packet; nothing was touched
├── ConflictError   the operator's turn: something foreign stands where the plan wants to build; nothing was touched
├── PlanError       a stored or received plan cannot be read: compile it again; nothing was touched
├── PendingError    somebody else's turn: a change of theirs waits for its confirmation; nothing was touched
├── LapsedError     a change was to be confirmed that is gone already
├── KernelError     the host refused an operation; the transaction is undone; a retry may help
└── VerifyError     everything was applied, yet the host differs from the plan; the transaction was undone
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong.

    place: where to look, ``domain.yaml:41``, ``inventory`` or a host's name.
    path: what is meant there, ``overlay.port`` or ``link vxkr9``; empty when the place says it all.
    message: what was wrong and what would be right.
    """

    place: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


class WeftError(Exception):
    """Root of every error of this collection; ``str()`` is what the user reads."""


class FaultsError(WeftError):
    """Several faults found in one run; ``str()`` has one line for each, in the order found."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class IntentError(FaultsError):
    """The intent or the inventory is wrong."""


class ConflictError(FaultsError):
    """Foreign state stands where the plan wants to build. weft never moves what it did not mark."""


class QuestionError(FaultsError):
    """What is asked of policies cannot be answered; places are the words of the question, ``from`` or ``port``."""


class MeasureError(FaultsError):
    """A benchmark cannot be run as asked, or two runs cannot be compared."""


class PlanError(WeftError):
    """A plan cannot be read: wrong version, wrong shape, or damaged."""


class PendingError(WeftError):
    """A change of ``author`` waits for its confirmation, for so many seconds yet."""

    def __init__(self, number: int, author: str, seconds: int) -> None:
        super().__init__(
            f"change {number} of this host, by {author}, waits for its confirmation; run again in {seconds} s, when it "
            "is confirmed or rolled back"
        )


class LapsedError(WeftError):
    """A change that was to be confirmed is gone; ``how`` it ended."""

    def __init__(self, number: int, how: str) -> None:
        super().__init__(f"change {number} of this host cannot be confirmed: {how}")


class KernelError(WeftError):
    """The host refused one operation. ``subject`` names the object, ``reason`` is the host's own word."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = subject
        self.reason = reason


class VerifyError(WeftError):
    """After applying, the host still differs from the plan; ``left`` names what differs."""

    def __init__(self, left: tuple[str, ...]) -> None:
        super().__init__("after applying the plan the host still differs: " + "; ".join(left))
        self.left = left
