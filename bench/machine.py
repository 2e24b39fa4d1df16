# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A fresh machine for one measurement: a network namespace of its own, and nothing of this machine's services."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable

_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000


def inside(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Run `work` in a child process inside the fresh machine; what it returns, in seconds by name."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            _enter()
            os.write(writer, json.dumps(work()).encode())
            code = 0
        except Exception:  # noqa: BLE001  # a child process has no other way to say what went wrong
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with open(reader, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit("bench: a measurement failed, see above")
    found: dict[str, float] = json.loads(answer)
    return found


def timed(command: list[str], text: str | None = None) -> float:
    """Wall time of a command in seconds, its start included. Its failure ends the bench."""
    start = time.perf_counter()
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    took = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}: {done.stderr.strip()}")
    return took


def _enter() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare (bench needs root)")
    # Without /run there is no firewalld, no Docker and no D-Bus of this machine that could be spoken to, and without
    # /var/lib nothing that weft keeps.
    for command in (
        "mount --make-rprivate /",
        "mount -t tmpfs tmpfs /run",
        "mount -t tmpfs tmpfs /var/lib",
        "ip link set lo up",
        "ip link add eth0 type bridge",
        "ip addr add 198.18.0.1/16 dev eth0",
        "ip link set eth0 up",
    ):
        subprocess.run(command.split(), check=True)
