# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A machine's processors, and the wireguard-go of one link, at one moment."""

from __future__ import annotations

import os
import time

from ...measure import usage


class Watch:
    """Looks at this machine, and at the wireguard-go of `link` where the kernel does not do that work itself."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._pid = find(link)

    def look(self) -> usage.Look:
        """Takes well under a millisecond: the process was found before."""
        busy, stolen = usage.machine(_read("/proc/stat"), self._ticks)
        return usage.Look(time.monotonic(), busy, stolen, self._process())

    def _process(self) -> usage.Process | None:
        if self._pid is None:
            return None
        try:
            stat = _read(f"/proc/{self._pid}/stat")
        except (FileNotFoundError, ProcessLookupError):
            # It was restarted: the next look sees the new one.
            self._pid = find(self._link)
            return None
        return usage.process(self._pid, stat, self._ticks, self._page)


def find(link: str) -> int | None:
    """The process that is wireguard-go for a link of this network namespace."""
    here = os.stat("/proc/self/ns/net").st_ino
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            words = _read(f"/proc/{name}/cmdline").split("\0")
            if os.path.basename(words[0]) != "wireguard-go" or link not in words[1:]:
                continue
            if os.stat(f"/proc/{name}/ns/net").st_ino == here:
                return int(name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended while we looked, or is not ours to look at
    return None


def variable(pid: int, name: str) -> str | None:
    """One variable of a process's environment, and none of the others."""
    for entry in _read(f"/proc/{pid}/environ").split("\0"):
        key, _equals, value = entry.partition("=")
        if key == name:
            return value
    return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
