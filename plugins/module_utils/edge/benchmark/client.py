# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The client's end of a benchmark: the measured work over one interface, once."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from ...measure import iperf, work
from ...measure.ping import round_trips
from ...measure.schedule import Path, Target
from ...measure.usage import between
from ...measure.work import Settings
from ...model.errors import KernelError
from .iperf import installed
from .proc import Watch

# Seconds after which a program that should have ended is taken to hang.
_GRACE = 30

Figures = dict[str, Any]


class Running(AbstractContextManager["Running"]):
    """A program that runs beside us. With `with`: it does not outlive the block."""

    def __init__(self, subject: str, command: list[str], seconds: float) -> None:
        self._subject, self._name, self._seconds = subject, command[0], seconds
        self._process = subprocess.Popen(
            [installed(command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            text=True,
        )

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self, fine: tuple[int, ...] = (0,)) -> str:
        """What it wrote. Raises KernelError where it hangs, or ends with another code than these."""
        try:
            told, complaint = self._process.communicate(timeout=self._seconds + _GRACE)
        except subprocess.TimeoutExpired as error:
            raise KernelError(self._subject, f"{self._name} did not end after {self._seconds + _GRACE:g} s") from error
        if self._process.returncode not in fine:
            reason = " ".join((complaint or told).split())[-300:] or f"exit code {self._process.returncode}"
            raise KernelError(self._subject, f"{self._name}: {reason}")
        return told


def measure(target: Target, settings: Settings) -> list[dict[str, Any]]:
    """One sample for each work, in order: {work, at, figures, client}; at: Unix time of its begin; client: the Usage
    of this machine. Raises KernelError about the interface and the work that could not be measured."""
    watch = Watch(target.link)
    samples = []
    for name, do in _works(target, settings):
        time.sleep(work.PAUSE)
        at, before = time.time(), watch.look()
        figures = do()
        used = between(before, watch.look())
        samples.append({"work": name, "at": round(at, 3), "figures": figures, "client": used._asdict()})
    return samples


def ping(subject: str, path: Path, count: int, interval: float, options: tuple[str, ...] = ()) -> Running:
    """Started; its first packet leaves at once. Waits a second for the last answer."""
    family = "-6" if ":" in path.server else "-4"
    words = ["ping", family, "-n", "-c", str(count), "-i", f"{interval:g}", "-W", "1", "-I", path.client]
    return Running(subject, [*words, *options, path.server], count * interval)


def load(subject: str, path: Path, settings: Settings, options: tuple[str, ...]) -> Running:
    """An iperf3 towards the server, started."""
    words = ["iperf3", "-J", "-c", path.server, "-B", path.client, "-p", str(settings.port)]
    return Running(
        subject, [*words, "-t", str(settings.seconds), "--connect-timeout", "5000", *options], settings.seconds
    )


def _works(target: Target, settings: Settings) -> Iterator[tuple[str, Callable[[], Figures]]]:
    for name, path in ((work.IDLE_IPV4, target.ipv4), (work.IDLE_IPV6, target.ipv6)):
        if path is not None:
            yield name, lambda name=name, path=path: _latency(_subject(target, name), path, settings)
    path = target.ipv4 or target.ipv6
    if path is None:
        raise KernelError(target.interface, "has no address in a family that the client has too")
    for name, flows in work.FLOWS.items():
        yield name, lambda name=name, flows=flows: _tcp(_subject(target, name), path, settings, flows)
    yield work.UDP_SMALL, lambda: _udp(_subject(target, work.UDP_SMALL), path, settings)


def _subject(target: Target, name: str) -> str:
    return f"{target.interface}: {name}"


def _latency(subject: str, path: Path, settings: Settings) -> Figures:
    with ping(subject, path, settings.pings, settings.interval) as running:
        # 1: nobody answered, which is a result
        return {"rtt_ms": round_trips(running.end((0, 1)), settings.pings)}


def _tcp(subject: str, path: Path, settings: Settings, flows: int) -> Figures:
    """With the latency meanwhile, over the middle eight tenths of the time."""
    count = max(1, int(0.8 * settings.seconds / settings.interval))
    with load(subject, path, settings, ("-P", str(flows), "-C", work.CONGESTION)) as running:
        time.sleep(0.1 * settings.seconds)
        with ping(subject, path, count, settings.interval) as beside:
            times = round_trips(beside.end((0, 1)), count)
        # iperf3 says why it failed in its JSON
        return {**iperf.tcp(running.end((0, 1)), subject), "rtt_ms": times}


def _udp(subject: str, path: Path, settings: Settings) -> Figures:
    """As many as the client can send."""
    with load(subject, path, settings, ("-u", "-b", "0", "-l", str(work.PAYLOAD))) as running:
        return iperf.udp(running.end((0, 1)), subject)
