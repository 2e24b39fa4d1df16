# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""site.yml without changes on the lab, against `ansible -m ping` over the same hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

_INVENTORY = ["-i", "inventories/lab"]
_PING = ["ansible", "hubs:runners:routers:nas:peers", "-m", "ansible.builtin.ping", *_INVENTORY]
_SITE = ["ansible-playbook", "playbooks/site.yml", *_INVENTORY]
_BAR = 3.0


def rows(root: Path, rounds: int) -> list[tuple[str, str, str, str, bool]]:
    """(what, median, ratio, bar, kept). A lab that is down is started for this, and is down again afterwards."""
    was_up = "running" in _lab(root, "status")
    if not was_up:
        _lab(root, "up")
    try:
        _timed(root, _SITE)
        return _rows([_round(root, turn) for turn in range(rounds)])
    finally:
        if not was_up:
            _lab(root, "down")


def _rows(taken: list[tuple[float, float]]) -> list[tuple[str, str, str, str, bool]]:
    ping, site = (median(times) for times in zip(*taken))
    ratio = median(site / ping for ping, site in taken)
    return [
        ("`ansible hubs:runners:routers:nas:peers -m ping` on the lab", f"{ping:.1f} s", "1", "", True),
        ("`site.yml` on the lab, no change", f"{site:.1f} s", f"{ratio:.2f}", f"{_BAR:g}×", ratio <= _BAR),
    ]


def _round(root: Path, turn: int) -> tuple[float, float]:
    """Seconds of the ping and of the playbook; which goes first alternates."""
    pair = [_PING, _SITE] if turn % 2 else [_SITE, _PING]
    times = {command[0]: _timed(root, command, unchanged=command is _SITE) for command in pair}
    return times[_PING[0]], times[_SITE[0]]


def _timed(root: Path, command: list[str], unchanged: bool = False) -> float:
    """Wall time in seconds. A failure ends the bench, and so does a change where there should be none."""
    start = perf_counter()
    done = _run(root, [str(Path(sys.executable).with_name(command[0])), *command[1:]])
    took = perf_counter() - start
    recap = [line for line in done.stdout.splitlines() if "changed=" in line]
    if done.returncode or (unchanged and any("changed=0 " not in line for line in recap)):
        sys.exit(f"bench: {' '.join(command)}: {done.stdout}{done.stderr}")
    return took


def _lab(root: Path, command: str) -> str:
    done = _run(root, [sys.executable, "-m", "lab", command])
    if done.returncode:
        sys.exit(f"bench: the lab: {done.stderr}")
    return done.stdout


def _run(root: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(argv, cwd=root, env=environment, capture_output=True, text=True, check=False)
