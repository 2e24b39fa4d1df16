# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host remembers of the changes that were made to it: who, when, what, and how it ended."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from .errors import PlanError

# How a change ended. A run that was interrupted leaves APPLYING behind; what its successor finds, it tells.
APPLYING = "applying"
APPLIED = "applied"
CONFIRMED = "confirmed"
ROLLED_BACK = "rolled back"
UNDONE = "undone"
INTERRUPTED = "interrupted"

# So many of a change's lines are kept.
_LINES = 50


class Author(NamedTuple):
    """Who changes a host. name: ``user@controller``, or what on the host itself. lineage, revision, plans: of the
    intent that the plan comes from (compile/lineage.py); "" and 0: of none that says so."""

    name: str
    lineage: str = ""
    revision: int = 0
    plans: str = ""


_FORCE = "or say -e weft_force=true to put this one in its place"


def objection(author: Author, last: Author) -> str:
    """Why a host that was changed last by somebody should not be changed by another; "": nothing is against it."""
    by = f"revision {last.revision}, by {last.name}"
    if not author.lineage or not last.lineage or author.plans == last.plans:
        return ""
    if author.lineage != last.lineage:
        theirs = f"it belongs to another intent ({last.lineage}, {by}) than this one ({author.lineage})"
        return f"{theirs}; remove it there, {_FORCE}"
    if author.revision < last.revision:
        return (
            f"it has a later intent ({by}) than this one, {author.revision}; fetch that and its ledger.json, {_FORCE}"
        )
    if author.revision == last.revision:
        return f"it has another intent that calls itself {by}, too; bring both together and run again, {_FORCE}"
    return ""


class Pending(NamedTuple):
    """A change that nobody has confirmed yet.

    number: its entry in the journal, when it has ended. boot: which boot of the host it
    belongs to. until: seconds on that boot's clock (CLOCK_BOOTTIME) when it is rolled back; counted anew once
    everything is applied. seconds: how long that is. stage: APPLYING or APPLIED. plan: what is being applied, digest
    of its text. before: text of the plan to go back to; None: the host had none. program: digest of the code that
    belongs to it, "" where there was none. changes: lines.
    """

    number: int
    author: Author
    boot: str
    until: float
    seconds: int
    stage: str
    plan: str
    before: str | None
    program: str
    changes: tuple[str, ...] = ()


class Entry(NamedTuple):
    """One line of a host's journal. time: when it ended, Unix time. plan: digest of the plan that was wanted. result:
    CONFIRMED, APPLIED (what nobody has to confirm), ROLLED_BACK, UNDONE, or INTERRUPTED (the next one went on from
    there). why: in words, where it did not last. changes: what was done, the first lines of it."""

    number: int
    time: int
    author: Author
    plan: str
    result: str
    why: str = ""
    changes: tuple[str, ...] = ()


def digest_of(plan: str) -> str:
    """What a plan is called, by its text: SHA-256 in hex."""
    return hashlib.sha256(plan.encode("utf-8", "surrogateescape")).hexdigest()


def shortened(changes: tuple[str, ...]) -> tuple[str, ...]:
    """As many lines as are kept, and how many more there were."""
    more = len(changes) - _LINES
    return changes if more <= 0 else (*changes[:_LINES], f"and {more} more")


def to_line(value: Pending | Entry) -> str:
    """JSON on one line, with its line break."""
    return json.dumps({**value._asdict(), "author": value.author._asdict()}, sort_keys=True, ensure_ascii=False) + "\n"


def pending_from(text: str) -> Pending:
    """Raises PlanError for anything that to_line did not write."""
    pending: Pending = _read(Pending, text)
    return pending


def entry_from(text: str) -> Entry:
    """Raises PlanError for anything that to_line did not write."""
    entry: Entry = _read(Entry, text)
    return entry


def _read(shape: Any, text: str) -> Any:
    try:
        document = json.loads(text)
        author = Author(**document.pop("author"))
        return shape(author=author, **{**document, "changes": tuple(document["changes"])})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PlanError(f"what is remembered of a change cannot be read ({error})") from error
