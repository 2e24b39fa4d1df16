# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""python -m bench: interleaved rounds, medians, ratios within the run, and docs/figures.md."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".collections"))

from . import clients, hub, policy, site  # noqa: E402  # they import the collection, which the line above makes possible

# What, median, ratio, bar, whether it is kept.
Row = tuple[str, str, str, str, bool]

FIGURES = ROOT / "docs" / "figures.md"


def main() -> int:
    options = _options()
    if os.geteuid() != 0:
        sys.exit("bench: network namespaces need root")
    rows: list[Row] = []
    if options.policies:
        hosts = _there()
    else:
        rows += _hub_rows(options.runners, options.rounds) + _client_rows(options.clients, options.rounds)
        if not options.no_lab:
            rows += site.rows(ROOT, options.rounds)
        hosts = _page(rows, options)
    # Another table, so that it may be of another run.
    found = policy.figures(options.rounds)
    policies = [*policy.WORDS.splitlines(), "", _where(options), "", *_table(found.rows), "", *found.table]
    text = "\n".join([*hosts, "", *policies, ""])
    FIGURES.write_text(text, encoding="utf-8")
    print(text)
    missed = [row for row in rows + found.rows if not row[-1]]
    for row in missed:
        print(f"missed: {row[0]}", file=sys.stderr)
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runners", type=int, default=255)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--date", default="", help="the day to print on the page")
    parser.add_argument("--no-lab", action="store_true", help="leave out site.yml on the lab against ansible ping")
    parser.add_argument("--policies", action="store_true", help="only those; the rest of the page stays as it is")
    return parser.parse_args()


def _hub_rows(runners: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        machine = hub.Hub(folder, runners)
        machine.round(0)  # not counted: Python writes its byte code, the kernel loads its modules
        taken = [machine.round(turn) for turn in range(rounds)]
    middle = {name: median(one[name] for one in taken) for name in taken[0]}
    base = middle[hub.BATCH]
    ratios = {name: median(one[name] / one[hub.BATCH] for one in taken) for name in taken[0]}
    hub_with = f"hub with {runners} runners"
    return [
        (f"`ip -batch`: {runners} VXLANs, addresses, ups", _ms(base), "1", "", True),
        (f"{hub_with}, from empty", _ms(middle[hub.EMPTY_TO_FULL]), *_ratio(ratios[hub.EMPTY_TO_FULL], 2)),
        (f"{hub_with}, no change", _ms(middle[hub.UNCHANGED]), *_ratio(ratios[hub.UNCHANGED], 1)),
        (
            f"{hub_with}, all removed",
            _ms(middle[hub.REMOVE_ALL]),
            f"{ratios[hub.REMOVE_ALL]:.2f}",
            "500 ms",
            middle[hub.REMOVE_ALL] <= 0.5,
        ),
        ("start of the interpreter, contained in each of the three", _ms(middle[hub.BARE]), "", "", True),
    ]


def _client_rows(count: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        server = clients.Server(folder, count)
        server.round(0)
        taken = [server.round(turn) for turn in range(rounds)]
    middle = {name: median(one[name] for one in taken) for name in taken[0]}
    ratios = {name: median(one[name] / one[clients.SYNCCONF] for one in taken) for name in taken[0]}
    server_with = f"server with {count} clients"
    return [
        (f"`wg syncconf` of {count} peers into wireguard-go", _ms(middle[clients.SYNCCONF]), "1", "", True),
        (f"{server_with}, from empty", _ms(middle[clients.APPLY]), *_ratio(ratios[clients.APPLY], 2)),
        (
            "the same, with the interpreter's start and imports",
            _ms(middle[clients.PROCESS]),
            f"{ratios[clients.PROCESS]:.2f}",
            "",
            True,
        ),
        (f"{server_with}, no change", _ms(middle[clients.UNCHANGED]), f"{ratios[clients.UNCHANGED]:.2f}", "", True),
        ("`wg syncconf` again, no change", _ms(middle[clients.SYNCCONF_AGAIN]), "", "", True),
        (f"{server_with}, one more", _ms(middle[clients.ONE_MORE]), f"{ratios[clients.ONE_MORE]:.2f}", "", True),
        (f"{server_with}, their files", _ms(middle[clients.FILES]), "", "", True),
        (f"{server_with}, compiled", _ms(middle[clients.COMPILE]), "", "", True),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _ratio(value: float, bar: float) -> tuple[str, str, bool]:
    return f"{value:.2f}", f"{bar:g}×", value <= bar


def _page(rows: list[Row], options: argparse.Namespace) -> list[str]:
    """Of all but policies."""
    return [
        "# Figures",
        "",
        "Written by `make bench`. All figures of a table come from one run whose rounds are interleaved; they are",
        "medians, and ratios are medians of each round's ratio. What is measured is what a host runs at boot, in a",
        "fresh network namespace: the interpreter, imports, reading of the plan, the look at the host, the changes and",
        "their verification, firewall included. `ip -batch` makes the VXLANs, addresses and ups, and nothing else.",
        "",
        _where(options),
        "",
        *_table(rows),
    ]


def _there() -> list[str]:
    """The page as it is, without policies."""
    page = FIGURES.read_text(encoding="utf-8")
    return page.partition(policy.WORDS.splitlines()[0])[0].rstrip().splitlines()


def _where(options: argparse.Namespace) -> str:
    run = subprocess.run(["/usr/bin/python3", "-V"], capture_output=True, text=True, check=True)
    where = f"Linux {platform.release()}, {os.cpu_count()} CPUs, {run.stdout.strip()}, {options.rounds} rounds"
    return f"{where}{f', {options.date}' if options.date else ''}."


def _table(rows: list[Row]) -> list[str]:
    found = ["| what | median | ratio | bar | |", "| --- | --- | --- | --- | --- |"]
    for what, time, ratio, bar, kept in rows:
        found.append(f"| {what} | {time} | {ratio} | {bar} | {('kept' if kept else 'missed') if bar else ''} |")
    return found


if __name__ == "__main__":
    sys.exit(main())
