"""Is anything of the lab still there? The check behind `lab leftovers`, and behind a clean `down`."""

from __future__ import annotations

import os

from . import cgroup
from .network import LEGS
from .paths import RUN
from .shell import succeeds


def _mounts() -> list[str]:
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return [point for point in (line.split()[4] for line in table) if point == RUN or point.startswith(RUN + "/")]


def _processes() -> list[str]:
    """Processes in the lab's control groups, supervisors, and ssh masters that hold one of its sockets."""
    found = [str(pid) for pid in cgroup.pids()]
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as text:
                line = text.read().replace(b"\0", b" ")
        except (OSError, ValueError):
            continue
        if b"-m lab supervise " in line or line.startswith(f"ssh: {RUN}/".encode()):
            found.append(entry)
    return found


def find() -> list[str]:
    """One line per thing that is left, empty when nothing is."""
    left = [f"mount {point}" for point in _mounts()]
    left += [f"process {pid}" for pid in _processes()]
    left += [f"link {leg}" for leg in LEGS if succeeds(["ip", "link", "show", leg])]
    left += [f"control group {folder}" for folder in cgroup.folders() if os.path.isdir(folder)]
    if os.path.exists(RUN):
        left.append(f"files {RUN}")
    return left
