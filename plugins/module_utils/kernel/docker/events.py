# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether something happened to Docker's containers, for somebody who waits for other things too."""

from __future__ import annotations

import os
import time
from threading import Event, Thread

from ...model.errors import KernelError
from . import api as docker_api

PID_PATH = "/var/run/docker.pid"

_WANTED = {"type": ["container", "network"], "event": ["start", "die", "connect", "disconnect"]}
# Seconds until a daemon that went away is looked for again.
_PAUSE = 0.2


class Events:
    """Follows Docker in a thread of its own, and rings.

    Docker is asked only when it runs, by the file with its process number: where systemd listens on its socket, a
    question would start it, also at boot, where it has to wait for us, and when somebody has just stopped it.
    """

    def __init__(self, path: str, pid_path: str = PID_PATH) -> None:
        """path: of Docker's socket."""
        self.path = path
        self._pid_path = pid_path
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._follows = Event()
        self._nudged = Event()
        self._fault = ""
        Thread(target=self._run, daemon=True).start()

    def fileno(self) -> int:
        """Ready to be read when something happened, or Docker has come or gone."""
        return self._reading

    def read(self) -> bool:
        """Whether it rang since the last time."""
        try:
            return bool(os.read(self._reading, 4096))
        except BlockingIOError:
            return False

    def follows(self, seconds: float = 0) -> bool:
        """Whether Docker answers now. seconds: to wait for one that runs."""
        return self._follows.wait(seconds if self._runs() else 0)

    def nudge(self) -> None:
        """Docker must be there, whatever its file says: somebody made a port."""
        self._nudged.set()

    def fault(self) -> str:
        """Why Docker was lost the last time; "": it ended, or was not there."""
        return self._fault

    def _run(self) -> None:
        while True:
            if self._runs() or self._nudged.is_set():
                self._nudged.clear()
                self._follow()
            time.sleep(_PAUSE)

    def _follow(self) -> None:
        try:
            for _line in docker_api.events(self.path, _WANTED):
                self._follows.set()
                self._fault = ""
                self._ring()
        except KernelError as error:
            # Whoever asks next tells it.
            self._fault = str(error)
        if self._follows.is_set():
            self._follows.clear()
            self._ring()

    def _ring(self) -> None:
        try:
            os.write(self._writing, b"!")
        except BlockingIOError:
            return  # it has been ringing for long

    def _runs(self) -> bool:
        try:
            with open(self._pid_path, encoding="ascii") as stream:
                os.kill(int(stream.read()), 0)
        except (OSError, ValueError):
            return False
        return True
