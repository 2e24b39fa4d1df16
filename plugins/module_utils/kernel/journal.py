# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host's journal of changes, and the plans that they led to. Bounded: what is oldest goes."""

from __future__ import annotations

import os
import syslog

from ..model.errors import KernelError, PlanError
from ..model.transaction import Author, Entry, entry_from, to_line
from . import atomic

ROOT = "/var/lib/weft"
_ENTRIES = 200
_PLANS = 10
_LOG = "journal.jsonl"
JOURNAL_PATH = f"{ROOT}/{_LOG}"


def entries() -> tuple[Entry, ...]:
    """The oldest first. Lines that cannot be read are left out: a journal that is damaged stops nobody."""
    try:
        text = (atomic.read(f"{ROOT}/{_LOG}") or b"").decode(errors="replace")
    except OSError as error:
        raise KernelError(f"{ROOT}/{_LOG}", error.strerror or str(error)) from error
    found = []
    for line in text.splitlines():
        try:
            found.append(entry_from(line))
        except PlanError:
            continue
    return tuple(found)


def lineage_of(known: tuple[Entry, ...]) -> Author | None:
    """Whose intent came last, of those that say whose they are."""
    return next((entry.author for entry in reversed(known) if entry.author.lineage), None)


def write(entry: Entry, plan: str | None = None) -> None:
    """Adds an entry; plan: text of the plan that holds from now on, to go back to. Raises KernelError."""
    known = entries()
    kept = [*known, entry][-_ENTRIES:]
    # Who came last is never forgotten, however often the host has changed by itself since.
    last = next((each for each in reversed((*known, entry)) if each.author.lineage), None)
    if last is not None and last not in kept:
        kept[0] = last
    try:
        _folder()
        # The plan first: a change is decided with its entry, and nothing that belongs to it may be missing then.
        if plan is not None:
            atomic.folder(f"{ROOT}/plans")
            atomic.write(plan_path(entry.number), plan.encode("utf-8", "surrogateescape"))
        try:
            atomic.write(f"{ROOT}/{_LOG}", "".join(map(to_line, kept)).encode("utf-8", "surrogateescape"))
        except OSError:
            if plan is not None:
                os.unlink(plan_path(entry.number))
            raise
        for number in numbers()[:-_PLANS]:
            os.unlink(plan_path(number))
    except OSError as error:
        raise KernelError(f"journal in {ROOT}", error.strerror or str(error)) from error
    _tell(entry)


def numbers() -> list[int]:
    """Of the changes whose plans are kept, the oldest first."""
    folder = f"{ROOT}/plans"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(name[:-5]) for name in names if name[:-5].isdigit() and name.endswith(".json"))


def plan_path(number: int) -> str:
    return f"{ROOT}/plans/{number}.json"


def _folder() -> None:
    os.makedirs(os.path.dirname(ROOT), mode=0o755, exist_ok=True)
    atomic.folder(ROOT)


def _tell(entry: Entry) -> None:
    """To the system's own log too, where whoever is paged looks first."""
    good = entry.why == ""
    syslog.openlog("weft", syslog.LOG_PID, syslog.LOG_DAEMON)
    words = f"change {entry.number} by {entry.author.name}: {len(entry.changes)} lines, {entry.result}"
    syslog.syslog(syslog.LOG_NOTICE if good else syslog.LOG_WARNING, words if good else f"{words}: {entry.why}")
    syslog.closelog()
