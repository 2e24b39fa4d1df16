# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Processor time and memory: what the kernel says in /proc, and what was used between two looks at it."""

from __future__ import annotations

from typing import NamedTuple


class Process(NamedTuple):
    """One process. seconds: processor time since it began. resident: bytes of memory that are really there."""

    pid: int
    seconds: float
    resident: int


class Look(NamedTuple):
    """One machine at one moment. at: seconds on a clock of its own that only goes forward. busy, stolen: seconds,
    summed over all processors since boot; stolen: what a hypervisor gave to others. process: of wireguard-go."""

    at: float
    busy: float
    stolen: float
    process: Process | None


class Usage(NamedTuple):
    """Between two looks. seconds: that passed. busy, stolen: processor seconds of the whole machine.

    process: processor seconds of wireguard-go, resident: its memory at the end in bytes; both None where the kernel
    does that work, or where another process took the first one's place meanwhile.
    """

    seconds: float
    busy: float
    stolen: float
    process: float | None
    resident: int | None


def between(before: Look, after: Look) -> Usage:
    """What was used from one look to the later one."""
    seconds, resident = None, None
    if before.process and after.process and before.process.pid == after.process.pid:
        seconds = after.process.seconds - before.process.seconds
        resident = after.process.resident
    return Usage(after.at - before.at, after.busy - before.busy, after.stolen - before.stolen, seconds, resident)


def machine(stat: str, ticks: int) -> tuple[float, float]:
    """(busy, stolen) seconds out of /proc/stat; ticks: how many make a second (proc(5)).

    Waiting for a disk is idleness. Guests are in `user` already.
    """
    user, nice, system, _idle, _wait, irq, softirq, steal = (int(word) for word in stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq) / ticks, steal / ticks


def process(pid: int, stat: str, ticks: int, page: int) -> Process:
    """Out of /proc/<pid>/stat; page: bytes of one. The name, in parentheses, may hold anything."""
    fields = stat.rpartition(")")[2].split()
    return Process(pid, (int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * page)
