# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""site.yml without changes on the running lab, against `ansible all -m ping` over the same hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

_INVENTORY = ["-i", "inventories/lab"]
_PING = ["ansible", "all", "-m", "ansible.builtin.ping", *_INVENTORY]
_SITE = ["ansible-playbook", "playbooks/site.yml", *_INVENTORY]
_BAR = 3.0


def rows(root: Path, rounds: int) -> list[tuple[str, str, str, str, bool]]:
    """(what, median, ratio, bar, kept). The lab has to be up and converged."""
    bin_folder = Path(sys.executable).parent
    taken = []
    _timed(root, bin_folder, _SITE)
    for turn in range(rounds):
        pair = [_PING, _SITE] if turn % 2 else [_SITE, _PING]
        times = {command[0]: _timed(root, bin_folder, command) for command in pair}
        taken.append((times[_PING[0]], times[_SITE[0]]))
    ratio = median(site / ping for ping, site in taken)
    return [
        ("`ansible all -m ping` on the lab", f"{median(ping for ping, _ in taken):.1f} s", "1", "", True),
        (
            "`site.yml` on the lab, no change",
            f"{median(site for _, site in taken):.1f} s",
            f"{ratio:.2f}",
            f"{_BAR:g}×",
            ratio <= _BAR,
        ),
    ]


def _timed(root: Path, bin_folder: Path, command: list[str]) -> float:
    """Wall time in seconds. A failure, or a change, ends the bench."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    start = perf_counter()
    done = subprocess.run(
        [str(bin_folder / command[0]), *command[1:]],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = perf_counter() - start
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)}: {done.stdout}{done.stderr}")
    changed = [line for line in done.stdout.splitlines() if "changed=" in line and "changed=0" not in line]
    if changed and command is _SITE and took is not None:
        print("\n".join(changed), file=sys.stderr)
    return took
