# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What weft leaves on a host's disk so that the overlay is back after a reboot."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

PLAN_PATH = "/var/lib/weft/plan.json"
PROGRAM_ROOT = "/usr/local/lib/weft"
COMMAND_PATH = "/usr/local/sbin/weft"
UNIT = "weft-overlay.service"
UNIT_PATH = "/etc/systemd/system/" + UNIT
ENABLED_PATH = "/etc/systemd/system/multi-user.target.wants/" + UNIT
WATCH_UNIT = "weft-watch.service"
WATCH_PATH = "/etc/systemd/system/" + WATCH_UNIT
WATCH_ENABLED_PATH = "/etc/systemd/system/multi-user.target.wants/" + WATCH_UNIT
AUDIT_UNIT = "weft-audit.service"
AUDIT_PATH = "/etc/systemd/system/" + AUDIT_UNIT
AUDIT_ENABLED_PATH = "/etc/systemd/system/multi-user.target.wants/" + AUDIT_UNIT
GUARD_UNIT = "weft-guard.service"
GUARD_PATH = "/etc/systemd/system/" + GUARD_UNIT
GUARD_ENABLED_PATH = "/etc/systemd/system/multi-user.target.wants/" + GUARD_UNIT
SEND_UNIT = "weft-send.service"
SEND_PATH = "/etc/systemd/system/" + SEND_UNIT
SEND_ENABLED_PATH = "/etc/systemd/system/multi-user.target.wants/" + SEND_UNIT
COLLECT_UNIT = "weft-collect.service"
COLLECT_PATH = "/etc/systemd/system/" + COLLECT_UNIT
COLLECT_ENABLED_PATH = "/etc/systemd/system/multi-user.target.wants/" + COLLECT_UNIT
PATHS = (
    *(COMMAND_PATH, UNIT_PATH, ENABLED_PATH),
    *(WATCH_PATH, WATCH_ENABLED_PATH),
    *(AUDIT_PATH, AUDIT_ENABLED_PATH),
    *(GUARD_PATH, GUARD_ENABLED_PATH),
    *(SEND_PATH, SEND_ENABLED_PATH),
    *(COLLECT_PATH, COLLECT_ENABLED_PATH),
    PLAN_PATH,
)

# Where each service says, as `<pid> <digest of its program>`, that it runs.
SERVICE_STATES = MappingProxyType(
    {
        WATCH_UNIT: "/run/weft/watch",
        AUDIT_UNIT: "/run/weft/audit",
        GUARD_UNIT: "/run/weft/guard",
        SEND_UNIT: "/run/weft/send",
        COLLECT_UNIT: "/run/weft/collect",
    }
)

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
