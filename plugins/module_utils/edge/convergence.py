# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the module converge does on a host: the transaction, what is stored for the next boot, and its confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..converge import confirmed
from ..converge.leaving import leave
from ..converge.transaction import Outcome, converge
from ..kernel import journal, pending
from ..kernel.host import HostKernel
from ..kernel.keys.ring import tidy
from ..kernel.lock import exclusive, retire
from ..kernel.memory import MemoryKernel
from ..model.errors import PlanError
from ..model.plan import from_json
from ..model.trace import Spared
from ..model.transaction import ROLLED_BACK, Author, Entry, objection
from .moment import when
from .objects import unpack
from .program import program
from .result import result_of


class Asked(NamedTuple):
    """plan: its text. persist: whether the host keeps it, and goes back to the one before unless somebody confirms
    within so many seconds; 0: nobody has to. packed: the programs that judge, where the plan has a policy. force:
    whatever intent the host has."""

    plan: str
    author: Author
    persist: bool
    packed: Mapping[str, str]
    seconds: int
    force: bool


def author_of(given: Mapping[str, Any]) -> Author:
    """As the module's argument says it; somebody who says nothing is whoever calls modules by hand."""
    name, lineage = str(given.get("name") or "a module call"), str(given.get("lineage") or "")
    return Author(name, lineage, int(given.get("revision") or 0), str(given.get("plans") or ""))


def match(asked: Asked, check: bool) -> dict[str, Any]:
    """Make this host match its plan; check: a copy of it in memory. Raises WeftError."""
    plan = from_json(asked.plan)
    objects = unpack(asked.packed)
    kept = program(objects) if asked.persist else None
    host = HostKernel(policies=plan.policy is not None)
    if check:
        return result_of(converge(plan, MemoryKernel(host.observe()), kept, objects))
    with exclusive(who=asked.author.name):
        before = journal.entries()
        last = journal.lineage_of(before)
        reason = objection(asked.author, last) if last is not None and not asked.force else ""
        if reason:
            raise PlanError(f"nothing was changed on this host: {reason}")
        if kept is None:
            done = confirmed.Done(converge(plan, host, None, objects))
        else:
            done = confirmed.change(plan, host, kept, objects, confirmed.Terms(asked.author, asked.seconds))
        tidy(plan)
    result = result_of(done.outcome)
    result["notes"] = [*_gone_back(before), *result["notes"]]
    return {**result, "pending": done.number}


def _gone_back(entries: tuple[Entry, ...]) -> list[str]:
    """What somebody who did not come back has to hear."""
    if not entries or entries[-1].result != ROLLED_BACK:
        return []
    last = entries[-1]
    return [f"change {last.number} of {when(last.time)} by {last.author.name} was rolled back: {last.why}"]


def confirm(number: int, author: Author) -> dict[str, Any]:
    """The change that waits here lasts. Raises WeftError."""
    with exclusive(who=author.name):
        entry = confirmed.confirm(number)
    return {"changed": False, "confirmed": entry.number}


def depart(author: Author, leaving: Mapping[str, bool], check: bool) -> dict[str, Any]:
    """Take everything of weft's off this host; check: a copy of it in memory. No plan is needed. Raises WeftError."""
    host = HostKernel(leaving=True)
    spared, disconnect = Spared(leaving["keep_keys"], not leaving["forget_store"]), leaving["disconnect"]
    if check:
        return _left(leave(MemoryKernel(host.observe()), spared, disconnect))
    with exclusive(who=author.name):
        # A change that waits still waits if this is undone; once the host is clear, nobody may bring everything back.
        outcome = leave(host, spared, disconnect, pending.abandon)
        retire()
    return _left(outcome)


def _left(outcome: Outcome) -> dict[str, Any]:
    return {**result_of(outcome), "kept": {trace.path: trace.sort for trace in outcome.kept}}
