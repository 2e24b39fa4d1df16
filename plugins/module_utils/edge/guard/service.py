# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft guard`: lets containers speak, each with the addresses that Docker gave it, and nobody else.

A new port of a policed bridge is closed. The guard has it judged, asks Docker whose it is, binds it to that container's
addresses and opens it. A guard that is not there leaves everybody as he is, and new ones closed.

Where the plan borrows routes of others, it is applied again when those have changed.
"""

from __future__ import annotations

import sys
import time
from selectors import EVENT_READ, DefaultSelector

from ...kernel.docker.events import Events
from ...kernel.docker.seen import SOCKET
from ...kernel.service import announce, end_when_told
from ...kernel.stored import current_digest
from ...model.errors import WeftError
from ...model.plan import HostPlan
from ...model.policed import BPF_FOLDER
from ...model.stored import GUARD_UNIT, PLAN_PATH
from ..followed_plan import FollowedPlan
from .ports import Ports
from .routes import Routes

USAGE = "weft guard                                for systemd: let containers speak, follow borrowed routes\n"

# Seconds between looks while all is well, whether or not anything is known to have happened.
_SECONDS = 10.0
# Until the next looks while something is left to do: each pause is twice the one before.
_SHORTEST, _LONGEST = 0.05, 5.0
# How often is looked whether there is another plan.
_PLAN = 1.0


class Guard:
    """One host's. look() does what is due, wait() returns when there is something to look at."""

    def __init__(self, path: str = PLAN_PATH, folder: str = BPF_FOLDER, docker: Events | None = None) -> None:
        self._followed = FollowedPlan(path)
        self._plan: HostPlan | None = None
        self._docker = docker or Events(SOCKET)
        self._ports = Ports(folder, self._docker)
        self._routes: Routes | None = None
        self._asked = False
        self._pause = _SHORTEST
        self._due = 0.0
        self._selector = DefaultSelector()
        for source in (self._docker, self._ports):
            self._selector.register(source, EVENT_READ)

    def close(self) -> None:
        self._selector.close()
        self._ports.close()
        if self._routes is not None:
            self._routes.close()

    def look(self) -> None:
        """Raises WeftError where nothing could be done; then it is tried again soon."""
        self._due = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST)
        self._plan = self._followed.current()
        self._follow_routes()
        asked, self._asked = self._asked, False
        if self._ports.look(self._plan, asked):
            self._due, self._pause = time.monotonic() + _SECONDS, _SHORTEST

    def wait(self) -> None:
        step = 0.0
        while True:
            pause = min(self._due - time.monotonic(), _PLAN, step or _PLAN)
            if pause > 0:
                self._selector.select(pause)
            step = self._routes.step() if self._routes is not None else 0.0
            rang, moved = self._docker.read(), self._ports.heard(self._plan)
            self._asked = self._asked or rang
            if rang or moved or self._followed.changed():
                self._pause = _SHORTEST
                return
            if time.monotonic() >= self._due:
                return

    def run(self) -> None:
        """Until the process ends."""
        while True:
            self.wait()
            self.try_to_look()

    def try_to_look(self) -> None:
        try:
            self.look()
        except WeftError as error:
            sys.stdout.write(f"{error}\n")
            sys.stdout.flush()

    def _follow_routes(self) -> None:
        wanted = self._plan is not None and bool(self._plan.borrowed)
        if wanted and self._routes is None:
            self._routes = Routes()
            self._selector.register(self._routes, EVENT_READ)
        elif not wanted and self._routes is not None:
            self._selector.unregister(self._routes)
            self._routes.close()
            self._routes = None


def main(arguments: list[str]) -> int:
    """Runs until systemd stops it. What fails once is told and tried again."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    end_when_told()
    guard = Guard()
    guard.try_to_look()
    # Docker may start now: whoever it brings is judged.
    announce(GUARD_UNIT.name, current_digest() or "")
    guard.run()
    return 0
