# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host keeps on its disk: its plan, and what it takes to match it without a controller."""

from __future__ import annotations

import time

from ..converge.transaction import Outcome, converge
from ..diff.policy import NO_OBJECTS
from ..kernel import journal, pending, stored
from ..kernel.host import HostKernel
from ..model.errors import PlanError, WeftError
from ..model.plan import HostPlan, from_json, to_json
from ..model.transaction import APPLIED, Author, Entry, digest_of, shortened


def read_plan(path: str) -> HostPlan:
    """Raises PlanError where it is not there, or cannot be read by this release."""
    try:
        with open(path, encoding="utf-8") as stream:
            return from_json(stream.read())
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {path} cannot be read ({error})") from error


def converge_stored(plan: HostPlan, by: str) -> Outcome:
    """Make this host match a plan that it keeps, with the programs that it keeps. Docker is not asked: at boot it waits
    for the end of this. by: the command that does, for the journal. That this could not be written is a note, for the
    host is as planned. Raises WeftError."""
    policies = plan.policy is not None
    kernel = HostKernel(ask_docker=False, policies=policies)
    outcome = converge(plan, kernel, objects=stored.objects() if policies else NO_OBJECTS)
    if not outcome.changes:
        return outcome
    changes = shortened(tuple(map(str, outcome.changes)))
    author, digest = Author(by), digest_of(to_json(plan))
    try:
        journal.write(Entry(pending.next_number(), int(time.time()), author, digest, APPLIED, "", changes))
    except WeftError as error:
        return outcome._replace(notes=(*outcome.notes, f"not in the history: {error}"))
    return outcome
