# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A run as text: medians with their spread, and each interface beside the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import work
from .metrics import METRICS, Metric, answered, values
from .names import natural
from .result import Result, one_machine, too_large
from .statistics import Comparison, compare, quantile, summary

ALIKE = "not distinguishable"
_NONE = "–"
_DOUBT = (
    f"{ALIKE}: the ranges overlap, or there are too few rounds. What is told apart is chance in at most one of ten "
    "cases, so of many lines that differ a few may be."
)
_LATENCIES = {
    work.IDLE_IPV4: "without load, IPv4",
    work.IDLE_IPV6: "without load, IPv6",
    work.TCP_ONE: "beside one flow",
    work.TCP_EIGHT: "beside eight flows",
}


def number(value: float) -> str:
    """Four digits, or as many as stand before the point: 12 345, 123.4, 0.1234."""
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3 if abs(value) >= 1 else 4
    return f"{value:.{digits}f}"


def ratio(found: Comparison) -> str:
    """`1.31`; where the rounds do not tell the two apart it says so."""
    told = f"{found.ratio:.2f}" if found.ratio is not None else _NONE
    return told if found.distinct else f"{told}, {ALIKE}"


def heading(metric: Metric) -> str:
    """`TCP, one flow (Mbit/s, more is better)`."""
    return f"{metric.title} ({', '.join(part for part in (metric.unit, metric.better) if part)})"


def rows(result: Result, metric: Metric) -> list[tuple[str, str, str, str]]:
    """(interface, median, range, ratio to the baseline) of one metric; none where no interface has it."""
    found = values(result, metric)
    base = found.get(result.baseline)
    table = []
    for interface in sorted(found, key=natural):
        taken = found[interface]
        if not taken:
            table.append((interface, _NONE, _NONE, _NONE))
            continue
        one = summary(taken)
        beside = "1" if interface == result.baseline else ratio(compare(base, taken)) if base else _NONE
        table.append((interface, number(one.median), f"{number(one.low)}–{number(one.high)}", beside))
    return table if any(found.values()) else []


def latencies(result: Result) -> list[tuple[str, ...]]:
    """(interface, when, lowest, median, 99th percentile, highest, unanswered) in ms, over all rounds together."""
    table = []
    for interface in sorted(result.interfaces, key=natural):
        for name, when in _LATENCIES.items():
            samples = [one for one in result.samples if one["interface"] == interface and one["work"] == name]
            sent = sum(len(one["figures"]["rtt_ms"]) for one in samples)
            times = [time for one in samples for time in answered(one)]
            if sent:
                shown = [number(quantile(times, share)) if times else _NONE for share in (0, 0.5, 0.99, 1)]
                table.append((interface, when, *shown, f"{sent - len(times)} of {sent}"))
    return table


def notes(result: Result) -> list[str]:
    """What has to be known to read the figures."""
    settings = result.settings
    work_done = f"{settings['rounds']} rounds, interleaved; loads of {settings['seconds']} s from {settings['client']}"
    said = [f"{work_done}; medians with lowest and highest round, ratios to {result.baseline}.", _DOUBT]
    if one_machine(result):
        said.append("Both ends run on one kernel: processor time of the machine is that of both ends together.")
    said += [f"{fault}, and are sent in two parts." for fault in too_large(result)]
    said += [f"{interface} was not measured: {reason}" for interface, reason in result.left_out]
    return said + [f"failed: {fault}" for fault in result.faults]


def text(result: Result) -> str:
    """The whole of it, for a terminal."""
    blocks = []
    for metric in METRICS:
        found = rows(result, metric)
        if found:
            blocks.append([heading(metric), *columns([("interface", "median", "lowest–highest", "ratio"), *found])])
    spread = latencies(result)
    if spread:
        head = ("interface", "latency", "lowest", "median", "99 %", "highest", "unanswered")
        blocks.append(["Latency of all rounds together (ms)", *columns([head, *spread])])
    blocks.append(notes(result))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def columns(table: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lines with aligned columns; the first is text, figures stand to the right of theirs."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
