"""A host's life: start, stop, reboot, and running commands in it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence

from . import cgroup, disk, ssh, supervisor
from .host import Host
from .paths import host_dir
from .shell import LabError, say, wait_until

POWER_OFF, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5  # systemd(1), "Signals"
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


def exec_argv(name: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs argv inside a host without ssh. Raises LabError if the host is off."""
    leader = cgroup.leader(name)
    if leader is None:
        raise LabError(f"{name} is not running: python3 -m lab start {name}")
    return ["nsenter", "--target", str(leader), "--all", "--root", "--wd", *argv]


def exec_env() -> dict[str, str]:
    """The environment of a command in a host: its own paths, the caller's terminal."""
    return {**ENV, "TERM": os.environ.get("TERM", "dumb")}


def execute(name: str, *argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run argv in a host and wait for it. Without stdin it has the caller's."""
    return subprocess.run(
        exec_argv(name, argv), env=exec_env(), input=stdin, text=True, capture_output=True, check=False
    )


def _ssh_answers(host: Host) -> bool:
    try:
        with socket.create_connection((host.address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _console_tail(host: Host) -> str:
    with contextlib.suppress(OSError), open(os.path.join(host_dir(host.name), "console.log"), errors="replace") as log:
        return "".join(log.readlines()[-15:])
    return ""


def _image_ready(host: Host) -> bool:
    state = execute(host.name, "systemctl", "is-active", "lab-image").stdout.strip()
    if state == "failed":
        why = execute(host.name, "journalctl", "--no-pager", "-n", "5", "-u", "lab-image", "-u", "docker").stdout
        raise LabError(f"{host.name}: Docker did not take the image weft-lab:1:\n{why}")
    return state == "active"


def wait_ready(host: Host, timeout: float = 60) -> None:
    """Until the host answers ssh and, on a runner, Docker has the test image. Raises LabError with its last words."""
    try:
        wait_until(
            f"{host.name} to answer ssh at {host.address}",
            lambda: supervisor.pid(host.name) is not None and _ssh_answers(host),
            timeout,
        )
    except LabError as exc:
        raise LabError(f"{exc}\nits console said last:\n{_console_tail(host)}") from exc
    if host.has_docker:
        wait_until(f"Docker and its image weft-lab:1 on {host.name}", lambda: _image_ready(host), timeout)


def start(host: Host) -> None:
    """Start a host that is off; harmless on one that runs. Does not wait."""
    if supervisor.pid(host.name) is not None and cgroup.leader(host.name) is not None:
        return
    stop(host, graceful=False)  # what a supervisor that died left behind
    disk.mount(host)
    supervisor.spawn(host)


def stop(host: Host, graceful: bool = True, timeout: float = 30) -> None:
    """Power a host off, or (not graceful, or when it takes too long) pull the plug. Its disk stays."""
    leader = cgroup.leader(host.name)
    if graceful and leader is not None:
        os.kill(leader, POWER_OFF)
        end = time.monotonic() + timeout
        while supervisor.pid(host.name) is not None and time.monotonic() < end:
            time.sleep(0.05)
    number = supervisor.pid(host.name)
    if number is not None:  # first the one that would start it again
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    cgroup.kill(host.name)
    cgroup.remove(host.name)
    ssh.forget_connection(host)


def reboot(host: Host, hard: bool = False) -> None:
    """Reboot and wait until the host is back; hard is a power cut."""
    before = cgroup.leader(host.name)
    if hard or before is None:
        stop(host, graceful=False)
        start(host)
    else:
        os.kill(before, REBOOT)
        try:
            wait_until(f"{host.name} to go down", lambda: cgroup.leader(host.name) not in (before, None), 60)
        except LabError as exc:
            say(f"{exc}: power cut")
            stop(host, graceful=False)
            start(host)
        ssh.forget_connection(host)
    wait_ready(host)
