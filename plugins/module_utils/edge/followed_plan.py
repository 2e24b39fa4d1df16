# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan that a host keeps, for those who run all the time: read again when a run has stored another one."""

from __future__ import annotations

import os

from ..model.plan import HostPlan
from .stored_plan import read_plan


class FollowedPlan:
    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._plan: HostPlan | None = None

    def changed(self) -> bool:
        """Whether it is another one than that which current() gave the last time."""
        return self._look() != self._stamp

    def current(self) -> HostPlan | None:
        """None: there is none. Raises PlanError, once for each that cannot be read, and gives the one before then."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            self._plan = read_plan(self._path) if stamp else None
        return self._plan

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino
