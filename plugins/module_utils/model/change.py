# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One step from what is to what should be."""

from __future__ import annotations

from typing import Any, NamedTuple

ADD = "add"
CHANGE = "change"
REMOVE = "remove"


class Change(NamedTuple):
    """action: ADD, CHANGE or REMOVE. kind: one of state.KINDS. key: of the object within its kind.

    before is None for ADD, after is None for REMOVE. reason: for the reader of a plan, "" where the action says it.
    """

    action: str
    kind: str
    key: str
    before: Any
    after: Any
    reason: str = ""

    def __str__(self) -> str:
        sign = {ADD: "+", CHANGE: "~", REMOVE: "-"}[self.action]
        return f"{sign} {self.kind} {self.key}" + (f" ({self.reason})" if self.reason else "")
