# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What weft leaves on a host's disk so that the overlay is back after a reboot."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

PLAN_PATH = "/var/lib/weft/plan.json"
PROGRAM_ROOT = "/usr/local/lib/weft"
COMMAND_PATH = "/usr/local/sbin/weft"
# In every text file of ours outside our own folders; a file without it at one of these paths is foreign.
WRITTEN_BY = "Written by weft.overlay"


class File(NamedTuple):
    """A whole file of ours, or a link. mode: permission bits. target: of a symbolic link (then text is empty)."""

    path: str
    text: str
    mode: int = 0o644
    target: str | None = None

    def key(self) -> str:
        return self.path


class Unit(NamedTuple):
    """A unit of systemd that runs `weft`. word: the command's, but for the one that applies the plan at boot."""

    word: str

    @property
    def name(self) -> str:
        return f"weft-{self.word}.service"

    @property
    def path(self) -> str:
        return f"/etc/systemd/system/{self.name}"

    @property
    def enabled(self) -> str:
        """The link by which it is started at boot."""
        return f"/etc/systemd/system/multi-user.target.wants/{self.name}"

    @property
    def state(self) -> str:
        """Where it says, as `<pid> <digest of its program>`, that it runs."""
        return f"/run/weft/{self.word}"

    def files(self, text: str) -> tuple[File, File]:
        return File(self.path, text), File(self.enabled, "", target="../" + self.name)


OVERLAY_UNIT = Unit("overlay")
WATCH_UNIT = Unit("watch")
AUDIT_UNIT = Unit("audit")
GUARD_UNIT = Unit("guard")
SEND_UNIT = Unit("send")
COLLECT_UNIT = Unit("collect")
# Those that run all the time.
_SERVICES = (WATCH_UNIT, AUDIT_UNIT, GUARD_UNIT, SEND_UNIT, COLLECT_UNIT)
SERVICE_STATES = MappingProxyType({unit.name: unit.state for unit in _SERVICES})
PATHS = (
    COMMAND_PATH,
    *(path for unit in (OVERLAY_UNIT, *_SERVICES) for path in (unit.path, unit.enabled)),
    PLAN_PATH,
)


class Program(NamedTuple):
    """The host's copy of this code. digest: SHA-256 over its files; sources: relative path and text of each. files:
    compiled BPF programs, name and content of each, where the plan has a policy.

    Observed ones carry neither, and they play no part in comparisons.
    """

    digest: str
    sources: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()

    def key(self) -> str:
        return "program"


class Service(NamedTuple):
    """A service of ours that runs. digest: of the program that it was started with."""

    unit: str
    digest: str

    def key(self) -> str:
        return self.unit
