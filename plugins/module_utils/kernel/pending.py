# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The change that waits for its confirmation: on disk before anything else is touched, with a timer of systemd's that
rolls it back, and a unit that does the same at a boot in between.

Neither needs whoever made the change: not its process, not its connection, not a controller.
"""

from __future__ import annotations

import os
import time

from ..model.errors import KernelError
from ..model.stored import OVERLAY_UNIT, PROGRAM_ROOT, WRITTEN_BY, Unit
from ..model.transaction import Pending, pending_from, to_line
from . import atomic
from .journal import ROOT, entries
from .programs import has_systemd, run

PENDING_PATH = ROOT + "/pending.json"
# Of systemd-run: gone with the boot. Each change has its own, for the one before may still be at work.
_TIMER = "weft-pending-%d"
# Seconds between two attempts to roll back.
_AGAIN = 30
_UNIT = Unit("rollback")
_UNIT_PATH, _ENABLED_PATH = _UNIT.path, _UNIT.enabled

_UNIT_TEXT = f"""\
# {WRITTEN_BY}; it is here only while a change waits for its confirmation.
[Unit]
Description=Roll back a change of weft.overlay that was not confirmed before this boot
ConditionPathExists={PENDING_PATH}
Wants=network-pre.target
After=network-pre.target
After=firewalld.service nftables.service netfilter-persistent.service iptables.service ip6tables.service
Before={OVERLAY_UNIT.name} docker.service

[Service]
Type=oneshot
ExecStart=%s
Restart=on-failure
RestartSec={_AGAIN}

[Install]
WantedBy=multi-user.target
"""


def now() -> float:
    """Seconds on the clock that nobody sets, and that goes on in a suspended host."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """Which boot this is (random(4): boot_id)."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()


def seconds_left(change: Pending) -> float:
    """Until it is rolled back. 0 after a reboot: who could have come back did not."""
    return max(0.0, change.until - now()) if change.boot == boot() else 0.0


def possible() -> bool:
    """Whether somebody is there to keep time for us."""
    return has_systemd()


def read() -> Pending | None:
    """None: nothing waits. Raises PlanError, where what is there cannot be read, and KernelError."""
    try:
        data = atomic.read(PENDING_PATH)
    except OSError as error:
        raise KernelError(PENDING_PATH, error.strerror or str(error)) from error
    return pending_from(data.decode(errors="replace")) if data is not None else None


def next_number() -> int:
    """Of the next change: what still waits has its number already, and gets into the journal when it has ended. Raises
    PlanError, KernelError."""
    waiting = read()
    return max([*(entry.number for entry in entries()), waiting.number if waiting else 0]) + 1


def arm(pending: Pending, program: str) -> None:
    """From here on the change does not outlive its time. program: digest of the code that rolls it back, which lies on
    this host already. Raises KernelError; then nothing is armed.

    The timer is first: killed after any of these steps, there is nothing that waits and nobody who ends it. Without the
    file there is nothing to roll back.
    """
    command = ["/usr/bin/python3", "-I", "-S", f"{PROGRAM_ROOT}/{program}/main.py", "rollback", "--pending"]
    stop_timer(pending.number)
    keep_trying = ("--property=Restart=on-failure", f"--property=RestartSec={_AGAIN}")
    run(
        "timer of the rollback",
        [
            *("systemd-run", "--quiet", "--collect", f"--unit={_TIMER % pending.number}"),
            f"--on-active={pending.seconds}",
            *("--timer-property=AccuracySec=100ms", *keep_trying, "--description=Roll back a change of weft.overlay"),
            *command,
        ],
    )
    try:
        unit = _UNIT_TEXT % " ".join(command)
        atomic.write(_UNIT_PATH, unit.encode(), 0o644)
        os.makedirs(os.path.dirname(_ENABLED_PATH), mode=0o755, exist_ok=True)
        if not os.path.islink(_ENABLED_PATH):
            os.symlink("../" + _UNIT.name, _ENABLED_PATH)
        write(pending)
    except (OSError, KernelError) as error:
        _take_back(pending.number)
        if isinstance(error, KernelError):
            raise
        raise KernelError(f"unit {_UNIT.name}", error.strerror or str(error)) from error


def _take_back(number: int) -> None:
    """What was armed and is of no use, unless a change that this one goes on from still needs the unit."""
    stop_timer(number)
    if not os.path.exists(PENDING_PATH):
        _remove(_ENABLED_PATH)
        _remove(_UNIT_PATH)


def write(pending: Pending) -> None:
    """Raises KernelError."""
    try:
        os.makedirs(os.path.dirname(ROOT), mode=0o755, exist_ok=True)
        atomic.folder(ROOT)
        atomic.write(PENDING_PATH, to_line(pending).encode("utf-8", "surrogateescape"))
        atomic.settle(ROOT)
    except OSError as error:
        raise KernelError(PENDING_PATH, error.strerror or str(error)) from error


def disarm(number: int) -> None:
    """The change stays, or is gone. Once its file is not there nobody rolls back, whatever else is left of it."""
    _remove(PENDING_PATH)
    _remove(_ENABLED_PATH)
    _remove(_UNIT_PATH)
    stop_timer(number)
    if possible():
        # Somebody may have had it read the unit meanwhile.
        run("systemd", ["systemctl", "daemon-reload"])


def abandon() -> None:
    """There is nothing to go back to any more: whatever waits, and whoever is about to roll it back. Raises PlanError,
    KernelError."""
    waiting = read()
    if waiting is not None:
        disarm(waiting.number)
        service = f"{_TIMER % waiting.number}.service"
        if os.path.exists(f"/run/systemd/transient/{service}"):
            run("rollback", ["systemctl", "stop", service])


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise KernelError(path, error.strerror or str(error)) from error


def stop_timer(number: int) -> None:
    """The timer alone: its service may be what calls this. No fault where there is none."""
    timer = f"{_TIMER % number}.timer"
    if os.path.exists(f"/run/systemd/transient/{timer}"):
        run("timer of the rollback", ["systemctl", "stop", timer])
