# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table that ends a run: what changed where, what could not be reached, what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .columns import aligned

_SIGNS = (("add", "added"), ("change", "changed"), ("remove", "removed"))


AS_PLANNED = "as planned"
NOTHING_LEFT = "nothing of weft left"


def table(counts: Mapping[str, Mapping[str, Mapping[str, int]]], unchanged: str = AS_PLANNED) -> list[str]:
    """One line for each host and kind with `added changed removed`; hosts without changes in one line each.

    counts: {"hub": {"link": {"add": 2}}}, as edge.result.counts makes them. unchanged: what they are said to be.
    """
    rows = [("host", "kind", *(word for _key, word in _SIGNS))]
    for host, kinds in counts.items():
        for kind, actions in kinds.items():
            rows.append((host, kind, *(str(actions.get(key, "")) for key, _word in _SIGNS)))
        if not kinds:
            rows.append((host, unchanged, "", "", ""))
    return aligned(rows)


def report(
    counts: Mapping[str, Mapping[str, Any]],
    notes: Mapping[str, Iterable[str]],
    missing: Iterable[str],
    failed: Iterable[str],
    unchanged: str = AS_PLANNED,
) -> list[str]:
    """The whole summary as lines. missing: hosts with a plan that were not in this run or did not answer."""
    lines = table(counts, unchanged) if counts else ["no host was converged"]
    lines += [f"note: {host}: {note}" if host else f"note: {note}" for host, items in notes.items() for note in items]
    failed, missing = sorted(failed), sorted(missing)
    if failed:
        state = "each is as it was before" if unchanged == AS_PLANNED else "its error says what was undone"
        lines.append(f"failed: {', '.join(failed)} ({state}; mend the cause and run again)")
    if missing:
        lines.append(
            f"not reached: {', '.join(missing)} (no change there lasts; a run that reaches them does the rest)"
        )
    return lines
