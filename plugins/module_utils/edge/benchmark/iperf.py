# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One iperf3 server on one VPN address, and what each of its tests cost this machine."""

from __future__ import annotations

import os
import subprocess
from typing import IO, Any, NamedTuple

from ...kernel.programs import find
from ...measure.usage import Look, between
from ...model.errors import KernelError
from .proc import Watch


class Listener(NamedTuple):
    """link: of this host. address: its bare VPN address."""

    link: str
    address: str


class Iperf:
    """iperf3 tells on its standard output when a test begins and when it listens again."""

    def __init__(self, listener: Listener, port: int) -> None:
        self.listens = False
        self._listener = listener
        self._watch = Watch(listener.link)
        self._rest = self._latest = self._cookie = ""
        self._before: Look | None = None
        # A server whose parent is killed must not stay, and what it says must be told at once.
        command = [installed("setpriv"), "--pdeathsig", "TERM", installed("stdbuf"), "-oL", installed("iperf3")]
        self._process = subprocess.Popen(
            [*command, "-s", "-V", "-B", listener.address, "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        )
        if self._process.stdout is None:
            raise KernelError("iperf3", "has no standard output")
        self.stream: IO[bytes] = self._process.stdout

    def read(self) -> list[dict[str, Any]]:
        """The tests that end with what it says now: {link, cookie, usage}. Raises KernelError when it ended itself."""
        data = os.read(self.stream.fileno(), 65536)
        if not data:
            raise KernelError(f"iperf3 on {self._listener.address}", self._latest or "ended without a word")
        *lines, self._rest = (self._rest + data.decode(errors="replace")).split("\n")
        return [ended for line in lines for ended in self._heard(line.strip())]

    def stop(self) -> None:
        """It is gone when this returns."""
        self._process.kill()
        self._process.wait()
        self.stream.close()

    def _heard(self, line: str) -> list[dict[str, Any]]:
        if line.startswith("Accepted connection"):
            self._before, self._cookie = self._watch.look(), ""
        elif line.startswith("Cookie:"):
            self._cookie = line.rsplit(maxsplit=1)[-1]
        elif line.startswith("Server listening"):
            self.listens = True
            before, self._before = self._before, None
            if before is not None:
                used = between(before, self._watch.look())
                return [{"link": self._listener.link, "cookie": self._cookie, "usage": used._asdict()}]
        elif line.startswith("iperf3: error"):
            self._latest = line
        return []


def installed(program: str) -> str:
    """Path of a program. Raises KernelError where it is missing."""
    path = find(program)
    if path is None:
        raise KernelError(program, "is not installed on this host, and is needed")
    return path
