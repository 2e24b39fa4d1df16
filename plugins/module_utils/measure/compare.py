# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two runs beside each other: first what differed around them, then what they measured."""

from __future__ import annotations

from typing import Any

from .environment import Difference, differences
from .metrics import METRICS, Metric, values
from .names import natural
from .result import Result
from .statistics import CHANCE, chance, compare, summary
from .table import ALIKE, columns, heading, number

# Settings that make the work itself another one; who measured in which order is told, but is no reason to doubt.
_WORK = ("seconds", "pings", "interval", "payload", "flows", "congestion")


def circumstances(result: Result) -> dict[str, Any]:
    """Everything that was recorded around the figures and stays the same from round to round."""
    settled = ("server", "link", "mtu")
    return {
        "settings": result.settings,
        "interfaces": {name: {key: found.get(key) for key in settled} for name, found in result.interfaces.items()},
        "plans": result.plans,
        "hosts": result.environment,
    }


def text(before: Result, after: Result) -> str:
    """For a terminal: `before → after`, ratios after ÷ before."""
    changed = differences(circumstances(before), circumstances(after))
    blocks = [
        [f"from the run of {before.started} to the run of {after.started}"],
        ["What differs around them:", *(_told(changed) or ["  nothing that was recorded"])],
    ]
    other = [one.place.partition(".")[2] for one in changed if one.place.startswith("settings.")]
    if set(other) & set(_WORK):
        blocks[1].append("  The two runs did different work; their figures do not compare.")
    for metric in METRICS:
        rows = _rows(before, after, metric)
        if rows:
            head = ("interface", "median", "", "", "ratio", "")
            blocks.append([heading(metric), *columns([head, *rows])])
    blocks.append(_notes(before, after))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _told(changed: tuple[Difference, ...]) -> list[str]:
    return [f"  {one.place}: {one.before} → {one.after}" for one in changed]


def _rows(before: Result, after: Result, metric: Metric) -> list[tuple[str, ...]]:
    """(interface, before, →, after, ratio, verdict); an interface that only one run has says so."""
    old, new = values(before, metric), values(after, metric)
    table: list[tuple[str, ...]] = []
    for interface in sorted(set(old) | set(new), key=natural):
        first, second = old.get(interface), new.get(interface)
        if first and second:
            found = compare(first, second)
            ratio = f"{found.ratio:.2f}" if found.ratio is not None else "–"
            verdict = "" if found.distinct else ALIKE
            table.append((interface, _shown(first), "→", _shown(second), ratio, verdict))
        elif first or second:
            table.append((interface, _shown(first), "→", _shown(second), "–", "only in one of them"))
    return table


def _shown(taken: list[float] | None) -> str:
    if not taken:
        return "–"
    found = summary(taken)
    return f"{number(found.median)} ({number(found.low)}–{number(found.high)})"


def _notes(before: Result, after: Result) -> list[str]:
    first, second = (int(result.settings["rounds"]) for result in (before, after))
    odds = chance(first, second)
    said = [
        f"{ALIKE}: the two ranges of rounds overlap, so that noise alone explains the difference.",
        f"Ranges of {first} and {second} rounds without any difference stay apart in {100 * odds:.1f} % of cases.",
    ]
    if odds > CHANCE:
        said.append("That is too often to say anything; measure more rounds (three in each run are the least).")
    return said
