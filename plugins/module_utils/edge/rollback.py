# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft rollback`: back to an earlier plan; and what systemd does with a change that nobody confirms."""

from __future__ import annotations

import sys
import time

from ..converge import confirmed
from ..diff.policy import NO_OBJECTS
from ..kernel import atomic, journal, pending, stored
from ..kernel.host import HostKernel
from ..kernel.lock import exclusive
from ..model.errors import PlanError, WeftError
from ..model.plan import from_json
from ..model.stored import Program
from ..model.transaction import Pending
from .operator import operator

USAGE = """\
weft rollback N                           back to the plan of change N of the history; it has to be confirmed, too
weft rollback --pending                   for systemd: what is not confirmed in time is rolled back
"""
_SECONDS = 120


def main(arguments: list[str]) -> int:
    """Exit codes: 0 done, 1 failed (the reason is on stderr), 2 usage."""
    try:
        if arguments == ["rollback", "--pending"]:
            return _overdue()
        if len(arguments) == 2 and arguments[0] == "rollback" and arguments[1].isdigit():
            return _go_back(int(arguments[1]))
    except WeftError as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    sys.stderr.write("usage: " + "\n       ".join(USAGE.splitlines()) + "\n")
    return 2


def _overdue() -> int:
    """Waits for the end of the change's time, and rolls it back then, or at once where the host was booted since."""
    while True:
        left = pending.read()
        if left is None:
            return 0
        seconds = pending.seconds_left(left)
        if seconds <= 0:
            break
        time.sleep(seconds)
    with exclusive(seconds=60, who="a rollback"):
        left = confirmed.waiting()
        if left is None or pending.seconds_left(left) > 0:
            return 0
        booted = left.boot != pending.boot()
        why = "this host was booted before it was confirmed" if booted else f"nobody confirmed it in {left.seconds} s"
        # At boot Docker is not asked: it waits for the end of this.
        outcome = confirmed.roll_back(left, _host(left, ask_docker=not booted), why)
    _say(f"change {left.number} by {left.author.name} was rolled back: {why}", *outcome.changes, *outcome.notes)
    return 0


def _host(left: Pending, ask_docker: bool) -> HostKernel:
    policies = left.before is not None and from_json(left.before).policy is not None
    return HostKernel(ask_docker=ask_docker, policies=policies)


def _go_back(number: int) -> int:
    path = journal.plan_path(number)
    data = atomic.read(path)
    if data is None:
        known = ", ".join(map(str, journal.numbers())) or "none"
        raise PlanError(f"the plan of change {number} is not kept here; those that are: {known}")
    plan = from_json(data.decode("utf-8", "surrogateescape"))
    digest = stored.current_digest()
    if digest is None:
        raise PlanError("the program that weft keeps on this host is damaged; run the playbook")
    objects = stored.objects() if plan.policy is not None else NO_OBJECTS
    author = operator()
    with exclusive(who=author.name):
        host = HostKernel(policies=plan.policy is not None)
        terms = confirmed.Terms(author, _SECONDS)
        done = confirmed.change(plan, host, Program(digest), objects, terms)
    _say(*done.outcome.changes, *done.outcome.notes)
    if done.number:
        _say(f"run `weft confirm` from a new login within {_SECONDS} s, or this host goes back to where it was")
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
