# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft status`: how this host stands, asked on the host itself. Nothing is changed, and nobody is waited for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ...converge.drift import drift
from ...converge.status import Counters, status_of
from ...diff.policy import NO_OBJECTS
from ...kernel import journal, pending, stored, traffic
from ...kernel.host import HostKernel
from ...kernel.protocol import Kernel
from ...model import state as kinds
from ...model.errors import KernelError, PlanError, WeftError
from ...model.plan import HostPlan, from_json, to_json
from ...model.policed import BPF_FOLDER, Objects
from ...model.state import Observed
from ...model.status import (
    IN_SYNC,
    MISSING,
    Denied,
    Difference,
    Drift,
    HostStatus,
    PendingStatus,
    PlanStamp,
    RolledBackStatus,
)
from ...model.stored import PLAN_PATH, Program
from ...model.transaction import APPLIED, ROLLED_BACK, digest_of

USAGE = """\
weft status [--json | --metrics]          how this host differs from its plan, and what its tunnels and services do
"""


_Counted = TypeVar("_Counted")


class Look(NamedTuple):
    """What one look at a host gave. plan: the stored one, None: there is none."""

    plan: HostPlan | None
    stamp: PlanStamp | None
    seen: Observed


def main(arguments: list[str], path: str = PLAN_PATH) -> int:
    """Exit codes: 0 in sync, 1 anything else (the reason is told), 2 usage."""
    options = arguments[1:]
    if len(options) > 1 or (options and options[0] not in {"--json", "--metrics"}):
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    try:
        status = here(look(path))
    except WeftError as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    sys.stdout.write(_told(status, options[0] if options else ""))
    return 0 if status.state == IN_SYNC else 1


def _told(status: HostStatus, option: str) -> str:
    """Of what writes it, only what is needed is imported: a look is to be over soon."""
    if option == "--json":
        from .data import to_data

        return json.dumps(to_data(status), indent=1, ensure_ascii=False) + "\n"
    if option == "--metrics":
        from .metrics import metrics

        return metrics(status)
    from .text import lines

    return "".join(f"{line}\n" for line in lines(status))


def look(path: str = PLAN_PATH, policies: bool = False, kernel: Kernel | None = None) -> Look:
    """policies: whether the host is to have one, whatever is stored. kernel: None: this host's. Raises WeftError."""
    plan, stamp = _stored(path)
    if kernel is None:
        kernel = HostKernel(policies=policies or (plan is not None and plan.policy is not None))
    return Look(plan, stamp, kernel.observe())


def here(found: Look, folder: str = BPF_FOLDER) -> HostStatus:
    """Against the plan that is stored here. What cannot be told is a note: it is called when things are broken."""
    links = tuple(found.seen.state.get(kinds.LINK, {}).values())
    notes: list[str] = []
    counters = Counters(
        traffic.by_link(),
        _tried(notes, lambda: traffic.by_peer(links)) or {},
        _tried(notes, lambda: _denied(folder)),
    )
    waiting, gone = _tried(notes, lambda: _changes(found.seen.now)) or (None, None)
    told = against_stored(found)
    told = told._replace(notes=(*told.notes, *notes))
    status = status_of(found.plan, found.stamp, found.seen, told, counters)
    session = os.environ.get("SSH_CONNECTION", "").split(" ")
    return status._replace(address=session[2] if len(session) > 2 else "", pending=waiting, rolled_back=gone)


def _changes(now: int) -> tuple[PendingStatus | None, RolledBackStatus | None]:
    """What waits, and what did not last. now: Unix time. Raises WeftError."""
    known, left = journal.entries(), pending.read()
    last = known[-1] if known and known[-1].result == ROLLED_BACK else None
    gone = RolledBackStatus(last.number, last.author.name, last.time, last.why) if last else None
    if left is None or any(entry.number == left.number for entry in known):
        return None, gone
    ends = now + round(pending.seconds_left(left))
    since = round(now + left.until - left.seconds - pending.now()) if left.boot == pending.boot() else None
    return PendingStatus(left.number, left.author.name, left.stage == APPLIED, since, ends), gone


def _tried(notes: list[str], count: Callable[[], _Counted]) -> _Counted | None:
    try:
        return count()
    except WeftError as error:
        notes.append(f"not told: {error}")
        return None


def against_stored(found: Look) -> Drift:
    """The program that is stored is the right one here: the host knows of no other. Without a plan, all that is ours is
    too much."""
    if found.plan is None:
        return drift(HostPlan("", ""), found.seen)
    program = found.seen.state.get(kinds.PROGRAM, {}).get("program", Program(""))
    objects, lost = _objects(found.plan)
    told = drift(found.plan, found.seen, program, objects)
    return told._replace(differences=told.differences + lost)


def _stored(path: str) -> tuple[HostPlan | None, PlanStamp | None]:
    """Raises PlanError where there is one that cannot be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            plan = from_json(stream.read())
            written = int(os.fstat(stream.fileno()).st_mtime)
    except FileNotFoundError:
        return None, None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {path} cannot be read ({error})") from error
    return plan, PlanStamp(digest_of(to_json(plan)), written)


def _objects(plan: HostPlan) -> tuple[Objects, tuple[Difference, ...]]:
    if plan.policy is None:
        return NO_OBJECTS, ()
    try:
        return stored.objects(), ()
    except KernelError as error:
        return NO_OBJECTS, (Difference(kinds.PROGRAM, "for policies", MISSING, error.reason),)


def _denied(folder: str) -> tuple[Denied, ...] | None:
    """In sum, by reason. None: nothing judges here. A host without policies does not even load the code."""
    if not os.path.isdir(folder):
        return None
    from ...kernel.bpf.records import counters
    from ..denials.names import reason_name

    sums: dict[tuple[str, bool], tuple[int, int]] = {}
    for one in counters(folder):
        key = (reason_name(one.reason), bool(one.observed))
        packets, octets = sums.get(key, (0, 0))
        sums[key] = (packets + one.packets, octets + one.octets)
    return tuple(Denied(*key, *total) for key, total in sorted(sums.items()))
