"""A control group per host: what belongs to a host is what is in it, whoever started it.

systemd-nspawn with --keep-unit makes its payload group below the group it is started in. Without a group of its own
per host, all hosts would share one.
"""

from __future__ import annotations

import contextlib
import os
import signal

from .paths import CGROUP
from .shell import LabError, wait_until


def _mount_points() -> list[str]:
    """Where cgroup v2 is mounted, and systemd's named v1 hierarchy on a hybrid machine (nspawn uses both)."""
    points = []
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        for line in table:
            left, _, right = line.strip().partition(" - ")
            kind, _, options = right.split(maxsplit=2)
            if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
                points.append(left.split()[4])
    if not points:
        raise LabError("no cgroup2 hierarchy is mounted: mount one, e.g. at /sys/fs/cgroup/unified")
    return points


def folders(name: str = "") -> list[str]:
    """The group of a host (or of the whole lab) in each hierarchy; they need not exist."""
    return [os.path.join(point, CGROUP, name).rstrip("/") for point in _mount_points()]


def make(name: str) -> list[str]:
    """Make the host's groups and return the files a process writes its pid to, to be in them."""
    found = folders(name)
    for folder in found:
        os.makedirs(folder, exist_ok=True)
    return [os.path.join(folder, "cgroup.procs") for folder in found]


def pids(name: str = "") -> list[int]:
    found: set[int] = set()
    for top in folders(name):
        for folder, _, _ in os.walk(top):
            with contextlib.suppress(OSError), open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as procs:
                # 0: a process that this PID namespace cannot see
                found.update(int(line) for line in procs if line.strip() != "0")
    return sorted(found)


def leader(name: str) -> int | None:
    """The pid, as seen here, of the host's own PID 1."""
    for pid in pids(name):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as status:
            for line in status:
                if line.startswith("NSpid:"):
                    numbers = line.split()[1:]
                    if len(numbers) == 2 and numbers[1] == "1":
                        return pid
    return None


def kill(name: str) -> None:
    """End every process of a host at once, like pulling the plug."""

    def gone() -> bool:
        for pid in pids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids(name)

    wait_until(f"the processes of {name} to end", gone, 20, pause=0.05)


def remove(name: str = "") -> None:
    """Remove the groups, deepest first. The kernel may hold one a moment after its last process ended."""

    def gone() -> bool:
        tops = folders(name)
        for top in tops:
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        return not any(os.path.isdir(top) for top in tops)

    wait_until(f"the control groups of {name or 'the lab'} to empty", gone, 10, pause=0.05)
