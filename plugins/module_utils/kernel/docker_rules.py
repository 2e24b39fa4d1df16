# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Docker filters for a network, on a host with firewalld: it puts that back after each reload, at its leisure.

Before 28.1 Docker does so for networks that are gone, too (moby 49728): a network that is removed while Docker is at it
leaves its rules behind. So whoever removes one after a reload waits until Docker has done.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from ..model.errors import KernelError
from .programs import find, run

# Half a second is usual. Where nothing comes back in this time, nobody puts it there.
_SECONDS = 60
# Docker asks firewalld for one thing after another, each as soon as the one before is answered.
_ROUNDS = 3
_STEP = 0.05
_NAME = "org.fedoraproject.FirewallD1"
_ASKED = f"type='method_call',destination='{_NAME}',member='passthrough'"


def filters(bridge: str | None) -> tuple[str, ...]:
    """What stands in FORWARD for a bridge, as iptables prints it."""
    lines = run("iptables", ["iptables", "-S", "FORWARD"]).splitlines()
    return tuple(line for line in lines if bridge in line.split())


def await_back(bridge: str | None, wanted: Collection[str]) -> None:
    """Until what was there before the reload is there again, and nobody asks firewalld for more of it: of a bridge that
    had a network before this one, Docker does all of it once more. Raises KernelError."""
    if not wanted:
        return
    end = time.monotonic() + _SECONDS
    with _asked() as stream:
        while time.monotonic() < end:
            if set(wanted) <= set(filters(bridge)) and _quiet(stream):
                return
            time.sleep(_STEP)


@contextmanager
def _asked() -> Iterator[int]:
    """A stream that has something to read for each rule that somebody has firewalld make or look for."""
    path = find("busctl")
    if path is None:
        raise KernelError("firewalld", "busctl is not installed on this host, and is needed")
    command = [path, "--system", "--json=short", f"--match={_ASKED}", "monitor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as monitor:
        try:
            if monitor.stdout is None:
                raise KernelError("firewalld", "busctl tells nothing")
            os.set_blocking(monitor.stdout.fileno(), False)
            yield monitor.stdout.fileno()
        finally:
            monitor.kill()


def _quiet(stream: int) -> bool:
    """Whether nobody asked while firewalld answered us a few times: it answers in the order in which it is asked."""
    _read(stream)
    for _round in range(_ROUNDS):
        run("firewalld", ["busctl", "--system", "call", _NAME, "/", "org.freedesktop.DBus.Peer", "Ping"])
        if _read(stream):
            return False
    return True


def _read(stream: int) -> bool:
    """Whether there was anything to read."""
    found = False
    try:
        while os.read(stream, 1 << 16):
            found = True
    except BlockingIOError:
        pass
    return found
