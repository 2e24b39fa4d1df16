# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kernel switches, as files below /proc/sys (Linux: Documentation/admin-guide/sysctl/).

/proc/sys/net shows the network namespace of the process that looks, wherever /proc was mounted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ..model.change import REMOVE, Change
from ..model.errors import KernelError
from ..model.state import SYSCTL
from ..model.sysctl import Sysctl

_ROOT = "/proc/sys/"
_FORWARD6 = "net.ipv6.conf.all.forwarding"
_LINKS6 = _ROOT + "net/ipv6/conf"
# Linux: Documentation/networking/ip-sysctl.rst, accept_ra: "unless forwarding", and "also with forwarding".
_UNLESS_FORWARDING, _ALWAYS = "1", "2"


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

    A host that forwards IPv6 no longer listens to routers where accept_ra is 1, and drops the default route that it has
    from them: there it is made 2 before. Raises KernelError at the first that cannot be written.
    """
    for change in changes:
        if change.action == REMOVE:
            continue
        try:
            if change.after.name == _FORWARD6 and change.after.value != "0":
                _keep_listening()
            _write(_path(change.after.name), change.after.value)
        except FileNotFoundError as error:
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


def _keep_listening() -> None:
    """Let every link that listens to routers now do so when the host forwards. New links are left to who makes them:
    a container's must not be asked where the internet is."""
    for link in os.listdir(_LINKS6):
        path = f"{_LINKS6}/{link}/accept_ra"
        try:
            if link not in ("all", "default", "lo") and _read(path) == _UNLESS_FORWARDING:
                _write(path, _ALWAYS)
        except FileNotFoundError:
            continue  # it went meanwhile


def _path(name: str) -> str:
    return _ROOT + name.replace(".", "/")


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
