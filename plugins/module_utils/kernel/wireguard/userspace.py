# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""wireguard-go as transient services of systemd: one for each link, and the link lives as long as its service.

A service that dies is started again, and its link is then an empty one without our marks; that it is ours is told by
the service's name. After a boot there are none until the stored plan is applied.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import time
from collections.abc import Iterable

from ...model.errors import KernelError
from ...model.link import Link
from ...model.state import LINK
from ..netlink.numbers import is_there
from ..programs import find, has_systemd, run

# Where systemd keeps the files of transient units (systemd.unit(5)).
_UNITS = "/run/systemd/transient"
_PREFIX, _SUFFIX = "weft-wireguard-", ".service"
_SOCKET = "/var/run/wireguard/{}.sock"
_THREADS = re.compile(r"\bGOMAXPROCS=(\d+)")
# A busy machine that boots may take long; one that ends again and again is not waited for.
_SECONDS = 60
_STEP = 0.01
_STARTS = 3

# It needs the tun device, its control socket below /run/wireguard, and packets; nothing else of the host.
_PROPERTIES = (
    "Restart=always",
    "RestartSec=1",
    "StartLimitIntervalSec=0",
    "RuntimeDirectory=wireguard",
    "RuntimeDirectoryMode=0700",
    "RuntimeDirectoryPreserve=yes",  # the links share it
    "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BIND_SERVICE",
    "DevicePolicy=closed",
    "DeviceAllow=/dev/net/tun rw",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "UMask=0077",
)


def services() -> dict[str, int]:
    """Links that have a service, whatever its state, each with the processors that it may use (0: all)."""
    try:
        names = os.listdir(_UNITS)
    except FileNotFoundError:
        return {}
    return {
        name[len(_PREFIX) : -len(_SUFFIX)]: _threads(f"{_UNITS}/{name}")
        for name in names
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX)
    }


def start(links: Iterable[Link]) -> None:
    """Start the services of these links, all at once, and wait until each answers: then its link is there, down and
    without our marks. Raises KernelError for the first that cannot be had, with the last that it said."""
    wanted = list(links)
    standing = services() if wanted else {}
    stop(link.name for link in wanted if link.name in standing)
    for link in wanted:
        # It would not make a tun device that is there, but take it.
        if is_there(link.name):
            raise KernelError(_subject(link.name), os.strerror(errno.EEXIST))
        _start(link)
    end = time.monotonic() + _SECONDS
    for link in wanted:
        _wait(link.name, end)


def stop(names: Iterable[str]) -> None:
    """Stop the services of these links; their links go with them."""
    units = [_unit(name) for name in names]
    if units:
        run(f"{LINK} {', '.join(units)}", ["systemctl", "stop", *units])
        _leave_folder()


def _leave_folder() -> None:
    """systemd made it for the first of them, and keeps it for the others; the last takes it along."""
    try:
        os.rmdir(os.path.dirname(_SOCKET))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EBUSY):
            raise KernelError(f"folder {os.path.dirname(_SOCKET)}", error.strerror or str(error)) from error


def _start(link: Link) -> None:
    subject = _subject(link.name)
    if not has_systemd():
        raise KernelError(subject, "wireguard-go runs as a service, and this host was not booted with systemd")
    program = find("wireguard-go")
    if program is None:
        raise KernelError(subject, "wireguard-go is not installed on this host, and is needed")
    # Without this it prints a box about the kernel's own WireGuard.
    environment = ["WG_PROCESS_FOREGROUND=1"]
    if link.threads:
        environment.append(f"GOMAXPROCS={link.threads}")
    run(
        subject,
        [
            *("systemd-run", "--quiet", "--collect", f"--unit={_unit(link.name)}"),
            f"--description=WireGuard link {link.name} of weft.overlay",
            *(f"--property={words}" for words in _PROPERTIES),
            *(f"--setenv={words}" for words in environment),
            *(program, "-f", link.name),
        ],
    )


def _wait(name: str, end: float) -> None:
    asked = time.monotonic()
    while not _answers(name):
        time.sleep(_STEP)
        if time.monotonic() > asked + 1:
            asked = time.monotonic()
            if asked > end or _starts(name) >= _STARTS:
                raise KernelError(_subject(name), f"wireguard-go does not answer: {_given_up(name)}")


def _starts(name: str) -> int:
    said = run(_subject(name), ["systemctl", "show", "--property=NRestarts", "--value", _unit(name)])
    return 1 + int(said.strip() or 0)


def _given_up(name: str) -> str:
    """Stop it, and what it said last."""
    unit = _unit(name)
    command = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=1", "--identifier=wireguard-go"]
    said = run(_subject(name), [*command, f"--unit={unit}"])
    stop([name])
    return said.strip() or f"it says nothing; see journalctl -u {unit}"


def _answers(name: str) -> bool:
    # A file alone may be left over from a process that was killed.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        try:
            door.connect(_SOCKET.format(name))
        except OSError:
            return False
    return True


def _threads(path: str) -> int:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = _THREADS.search(file.read())
    except FileNotFoundError:
        return 0  # it ended meanwhile
    return int(found.group(1)) if found else 0


def _unit(name: str) -> str:
    return f"{_PREFIX}{name}{_SUFFIX}"


def _subject(name: str) -> str:
    return f"{LINK} {name}"
