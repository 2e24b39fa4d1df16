# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Services of ours that run all the time: whether they do, and with which program."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from types import FrameType

from ..model.change import REMOVE, Change
from ..model.errors import KernelError
from ..model.stored import SERVICE_STATES, Service
from .programs import has_systemd, run


def observe(states: Mapping[str, str] = SERVICE_STATES) -> dict[str, Service]:
    """What runs, by unit. One that has ended, however that was, does not. states: where each of them says so."""
    found = {unit: _digest(path) for unit, path in states.items()}
    return {unit: Service(unit, digest) for unit, digest in found.items() if digest is not None}


def _digest(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as stream:
            pid, digest = stream.read().split()
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return None
    return digest


def apply(change: Change) -> None:
    """Start it with the program that is stored now, or stop it. Raises KernelError with systemd's own word."""
    subject = f"service {change.key}"
    if not has_systemd():
        raise KernelError(subject, "services need systemd, and this host was not booted with it")
    if change.action == REMOVE:
        run(subject, ["systemctl", "stop", change.key])
    else:
        run(subject, ["systemctl", "restart", change.key])


def announce(unit: str, digest: str, states: Mapping[str, str] = SERVICE_STATES) -> None:
    """Called by the service itself, once it is at work: leave word for observe(), then tell systemd (sd_notify(3))."""
    path = states[unit]
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    draft = path + ".new"
    with open(draft, "w", encoding="utf-8") as stream:
        stream.write(f"{os.getpid()} {digest}\n")
    os.replace(draft, path)
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            # A leading @ stands for an abstract socket.
            door.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)


def end_when_told() -> None:
    """For a service that may end in the middle of what it does: systemd's SIGTERM ends it, in order."""
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def told_to_end() -> int:
    """For a service that has something to bring to its end: a file descriptor that is readable once systemd has told it
    to end (SIGTERM)."""
    ended, end = os.pipe()
    os.set_blocking(end, False)
    signal.set_wakeup_fd(end)
    # The byte in the pipe is what counts; without a handler, the signal would end this at once.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    return ended
