# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""site.yml without changes on the lab, against `ansible -m ping` over the same hosts: the overlay alone, and all that
inventories/lab has, with a store on the NAS and another on the router that are looked into."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from lab.runs import Inventory

_BAR = 3.0
_OVERLAY = "the overlay on the lab's hub and runners"
_ALL = "all of the lab, with VPN and store"


class _Domain(NamedTuple):
    """what: it is, in words. folder: of the inventory. groups: whom Ansible pings."""

    what: str
    folder: str
    groups: str

    def ping(self) -> list[str]:
        return ["ansible", self.groups, "-m", "ansible.builtin.ping", "-i", self.folder]

    def site(self) -> list[str]:
        return ["ansible-playbook", "playbooks/site.yml", "-i", self.folder]


def rows(root: Path, rounds: int) -> list[tuple[str, str, str, str, bool]]:
    """(what, median, ratio, bar, kept). A lab that is down is started for this, and is down again afterwards."""
    was_up = "running" in _lab(root, "status")
    if not was_up:
        _lab(root, "up")
    try:
        with tempfile.TemporaryDirectory() as folder:
            overlay = _Domain(_OVERLAY, Inventory(folder).folder, "hubs:runners")
            whole = _Domain(_ALL, "inventories/lab", "hubs:runners:routers:nas:peers")
            return [*_rows(root, overlay, rounds, _BAR), *_rows(root, whole, rounds, None)]
    finally:
        if not was_up:
            _lab(root, "down")


def _rows(root: Path, domain: _Domain, rounds: int, bar: float | None) -> list[tuple[str, str, str, str, bool]]:
    _timed(root, domain.site())
    taken = [_round(root, domain, turn) for turn in range(rounds)]
    ping, site = (median(times) for times in zip(*taken))
    ratio = median(site / ping for ping, site in taken)
    kept = bar is None or ratio <= bar
    return [
        (f"`ansible {domain.groups} -m ping` on the lab", f"{ping:.1f} s", "1", "", True),
        (f"`site.yml`, no change: {domain.what}", f"{site:.1f} s", f"{ratio:.2f}", f"{bar:g}×" if bar else "", kept),
    ]


def _round(root: Path, domain: _Domain, turn: int) -> tuple[float, float]:
    """Seconds of the ping and of the playbook; which goes first alternates."""
    ping, site = domain.ping(), domain.site()
    times = {
        command[0]: _timed(root, command, command is site) for command in ([ping, site] if turn % 2 else [site, ping])
    }
    return times[ping[0]], times[site[0]]


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
