# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft history`: who changed this host, when, what, and how it ended."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from ..kernel import journal, pending
from ..model.errors import WeftError
from ..model.transaction import Entry, Pending
from .columns import aligned
from .moment import when

USAGE = "weft history [--json | N]                 the changes of this host, the latest first; of N all that is known\n"


def main(arguments: list[str]) -> int:
    """Exit codes: 0 done, 1 failed (the reason is on stderr), 2 usage."""
    try:
        entries = tuple(reversed(journal.entries()))
        if arguments == ["history"]:
            lines = [*_waiting(pending.read()), *_table(entries, set(journal.numbers()))]
        elif arguments == ["history", "--json"]:
            lines = [json.dumps({**entry._asdict(), "author": entry.author._asdict()}) for entry in entries]
        elif len(arguments) == 2 and arguments[1].isdigit():
            lines = _one(entries, int(arguments[1]))
        else:
            sys.stderr.write(f"usage: {USAGE}")
            return 2
    except WeftError as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _waiting(change: Pending | None) -> Iterator[str]:
    if change is not None:
        seconds = int(pending.seconds_left(change))
        yield f"change {change.number} by {change.author.name} waits for its confirmation, {seconds} s yet"


def _table(entries: tuple[Entry, ...], kept: set[int]) -> list[str]:
    rows = [("change", "when", "by", "revision", "lines", "result", "plan")]
    for entry in entries:
        revision = str(entry.author.revision or "")
        plan = entry.plan[:12] + (" (kept)" if entry.number in kept else "")
        lines = str(len(entry.changes))
        rows.append((str(entry.number), when(entry.time), entry.author.name, revision, lines, entry.result, plan))
    return aligned(rows)


def _one(entries: tuple[Entry, ...], number: int) -> list[str]:
    entry = next((each for each in entries if each.number == number), None)
    if entry is None:
        raise WeftError(f"the journal of this host has no change {number}")
    author = entry.author
    intent = f"revision {author.revision} of the intent {author.lineage}" if author.lineage else "no revision"
    return [
        f"change {entry.number} of {when(entry.time)} by {author.name}, {intent}, plan {entry.plan}",
        f"{entry.result}" + (f": {entry.why}" if entry.why else ""),
        *entry.changes,
    ]
