# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Routes of others that the plan borrows: it is applied again when those have changed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from ...kernel.netlink.news import ROUTES, News, is_about_others_routes
from ...model.stored import COMMAND_PATH

# Whoever changes routes changes several: a client of DHCP, a routing daemon. Seconds without any, and at most.
_QUIET = 1.0
_LONGEST = 10.0
# Until it is tried again where it did not work.
_AGAIN = 60.0

_APPLY = (COMMAND_PATH, "apply")


class Routes:
    """Applies the plan in a process of its own: that may wait for a run, and containers do not wait with it."""

    def __init__(self, apply: Sequence[str] = _APPLY) -> None:
        """apply: the command. Begins with one: nobody knows what has changed before."""
        self._apply = apply
        self._news = News(ROUTES)
        self._first = self._last = time.monotonic()
        self._waiting = True
        self._process: subprocess.Popen[bytes] | None = None

    def fileno(self) -> int:
        """Ready to be read when a route changed."""
        return self._news.fileno()

    def close(self) -> None:
        """The process, if there is one, comes to its end by itself."""
        self._news.close()

    def step(self) -> float:
        """Do what is due; how many seconds may pass until the next step, unless a route changes."""
        now = time.monotonic()
        found = self._news.read()
        if found is None or any(map(is_about_others_routes, found)):
            self._first = self._first if self._waiting else now
            self._last, self._waiting = now, True
        if self._process is not None and not self._ended(now):
            return _QUIET
        if not self._waiting:
            return _LONGEST
        due = min(self._last + _QUIET, self._first + _LONGEST)
        if now >= due:
            self._waiting = False
            self._process = subprocess.Popen(self._apply, stdin=subprocess.DEVNULL)
            return _QUIET
        return due - now

    def _ended(self, now: float) -> bool:
        """It says itself what it did, and why it did not."""
        if self._process is None or self._process.poll() is None:
            return self._process is None
        if self._process.returncode and not self._waiting:
            self._first = self._last = now + _AGAIN
            self._waiting = True
        self._process = None
        return True
