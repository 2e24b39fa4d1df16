# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kernel switches, as files below /proc/sys (Linux: Documentation/admin-guide/sysctl/).

/proc/sys/net shows the network namespace of the process that looks, wherever /proc was mounted.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from ..model.change import REMOVE, Change
from ..model.errors import KernelError
from ..model.state import SYSCTL
from ..model.sysctl import (
    ACCEPT_RA,
    CONFS,
    FORWARDING,
    FORWARDING6,
    FORWARDS,
    ON,
    REDIRECTS,
    REFLECTING,
    UNLESS_FORWARDING,
    Sysctl,
    carried,
    leader,
)

_ROOT = "/proc/sys/"
_ALL, _DEFAULT, _LOOPBACK = "all", "default", "lo"


def observe(remembered: Iterable[str] = (), own: Collection[str] = ()) -> dict[str, Sysctl]:
    """The host-wide switches that plans may name, those whose former value is remembered, and those of links that would
    be changed by a host-wide one and would not come back with it. own: names of our links; theirs are of no interest.
    Raises KernelError."""
    found = read(CONFS)
    for switch in list(found.values()):
        # One that is on as we want it is not changed again; a hub has hundreds of links.
        if switch.value != ON:
            found.update(_followers(switch, own))
    found.update(read(name for name in (*REFLECTING, *remembered) if name not in found))
    return found


def _followers(switch: Sysctl, own: Collection[str]) -> dict[str, Sysctl]:
    folder = CONFS[switch.name]
    try:
        links = [link for link in os.listdir(_ROOT + folder) if link != _ALL and link not in own]
    except FileNotFoundError:
        return {}  # a kernel without IPv6
    seen = read([*([REDIRECTS] if switch.name == FORWARDING else []), *(folder + link + FORWARDS for link in links)])
    found = {name: value for name, value in seen.items() if value.value != carried(switch, name)}
    if switch.name == FORWARDING6:
        seen = read(folder + link + ACCEPT_RA for link in links if link not in (_DEFAULT, _LOOPBACK))
        found.update((name, value) for name, value in seen.items() if value.value == UNLESS_FORWARDING)
    return found


def read(names: Iterable[str]) -> dict[str, Sysctl]:
    """The switches of these names, by name. One that this kernel does not have is left out.

    Raises KernelError for one that cannot be read.
    """
    found: dict[str, Sysctl] = {}
    for name in names:
        try:
            found[name] = Sysctl(name, _read(_path(name)))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise KernelError(f"{SYSCTL} {name}", os.strerror(error.errno or 0)) from error
    return found


def apply(changes: Sequence[Change]) -> None:
    """Write the switches. A removal leaves the switch as it is: others may rely on it by now.

    Raises KernelError at the first that cannot be written. One of a link that went meanwhile is passed over.
    """
    for change in changes:
        if change.action == REMOVE:
            continue
        try:
            _write(_path(change.after.name), change.after.value)
        except FileNotFoundError as error:
            if leader(change.after.name) is None:
                raise KernelError(f"{SYSCTL} {change.key}", "this kernel has no such switch") from error
        except OSError as error:
            raise KernelError(f"{SYSCTL} {change.key}", os.strerror(error.errno or 0)) from error


def set_ipv6(link: str, on: bool) -> None:
    """Let a link speak IPv6 or forbid it. Raises KernelError where the kernel refuses.

    netlink has no message for this. The file is missing where the kernel has no IPv6 or the link's MTU is below
    1280 bytes; then IPv6 is off already.
    """
    try:
        _write(f"{_ROOT}net/ipv6/conf/{link}/disable_ipv6", "0" if on else "1")
    except FileNotFoundError as error:
        if on:
            raise KernelError(f"link {link}", "it cannot have IPv6 switched on") from error
    except OSError as error:
        raise KernelError(f"link {link}", f"disable_ipv6: {os.strerror(error.errno or 0)}") from error


def set_by_mark(link: str, on: bool) -> None:
    """Whether a packet's mark has a say in where its source leads to. Raises KernelError where the kernel refuses."""
    try:
        _write(f"{_ROOT}net/ipv4/conf/{link}/src_valid_mark", "1" if on else "0")
    except OSError as error:
        raise KernelError(f"link {link}", f"src_valid_mark: {os.strerror(error.errno or 0)}") from error


def _path(name: str) -> str:
    return _ROOT + (name if "/" in name else name.replace(".", "/"))


# Plain system calls: with 255 links, text files with their buffers would take three times as long.


def _read(path: str) -> str:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, 4096).decode().strip()
    finally:
        os.close(handle)


def _write(path: str, value: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, value.encode() + b"\n")
    finally:
        os.close(handle)
