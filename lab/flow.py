"""Traffic of a VPN client that goes on while something happens, with an exact account of it afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from . import clients, machine
from . import host as hosts
from .matrix import Party
from .paths import agent
from .shell import LabError

BLOCK = 65536  # lab/agents/echo.py


class Account(NamedTuple):
    """Of numbered pings. lost: the numbers that were never answered. twice: answered more than once.

    silence: the longest time without an answer, in seconds."""

    sent: int
    lost: tuple[int, ...]
    twice: int
    silence: float


class Delivery(NamedTuple):
    """Of a transfer over TCP. whole: every byte was right. retransmitted: segments that the sender sent again.

    segment: the largest that the receiver's connection takes, in bytes."""

    bytes: int
    seconds: float
    whole: bool
    segment: int
    retransmitted: int

    @property
    def megabytes_per_second(self) -> float:
        return self.bytes / self.seconds / 1e6


class Running:
    """Traffic of a VPN client, a container or a host that has begun; its first line says so. finish() gives its
    account."""

    def __init__(self, client: str | Party, program: str, *arguments: str) -> None:
        self._client = client if isinstance(client, str) else client.name
        argv = _argv(client, ["python3", "-c", agent(program), *arguments])
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, env=machine.exec_env(), stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        if self._process.stdout is None or not self._process.stdout.readline():
            raise LabError(f"{client}: {program} did not begin: {self._process.communicate()[1].strip()}")

    def finish(self, timeout: float = 60) -> dict[str, object]:
        """End a flow, or wait for a transfer."""
        try:
            said, complained = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as exc:
            self.abandon()
            raise LabError(f"{self._client}: it did not end within {timeout:.0f} s") from exc
        if self._process.returncode != 0:
            raise LabError(f"{self._client}: {complained.strip()[-500:]}")
        return dict(json.loads(said))

    def abandon(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def _argv(client: str | Party, command: list[str]) -> list[str]:
    if isinstance(client, Party):
        return ["nsenter", f"--net={client.space}", *command]
    if client in [host.name for host in hosts.saved()]:
        return machine.exec_argv(client, command)
    return clients.exec_argv(client, *command)


@contextmanager
def pings(client: str | Party, target: str, pause: float = 0.02) -> Iterator[list[Account]]:
    """Numbered pings while the body runs; the list has their account when it has ended."""
    accounts: list[Account] = []
    flow = Running(client, "flow", target, str(pause))
    try:
        yield accounts
        told = flow.finish()
        told["lost"] = tuple(told["lost"])  # type: ignore[arg-type]
        accounts.append(Account(**told))  # type: ignore[arg-type]
    finally:
        flow.abandon()


@contextmanager
def transfer(client: str | Party, target: str, megabytes: int, rate: float = 0) -> Iterator[list[Delivery]]:
    """Fetch from a host that echoes (traffic.serve_echo) while the body runs, and wait for the end of it.

    rate: MB/s at most, 0: as fast as it goes. For a transfer alone the body is `pass`."""
    deliveries: list[Delivery] = []
    blocks = -(-megabytes * 1_000_000 // BLOCK)
    flow = Running(client, "fetch", target, str(blocks), str(int(rate * 1_000_000)))
    try:
        yield deliveries
        deliveries.append(Delivery(**flow.finish(timeout=120)))  # type: ignore[arg-type]
    finally:
        flow.abandon()
