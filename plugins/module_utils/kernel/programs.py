# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs of the host: found, run, and their refusals turned into KernelError."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec

from ..model.errors import KernelError

_SECONDS = 60


def has_systemd() -> bool:
    """Whether this host was booted with it (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


# What WireGuard needs besides a kernel, and only there.
_TOOLS = ("wg", "wireguard-go", "qrencode", "openssl")
_LIBBPF = "libbpf.so.1"


def find(program: str) -> str | None:
    """Path of a program, also where PATH lacks the sbin folders (a login that is not root's own); None: not there."""
    path = os.environ.get("PATH", os.defpath)
    for folder in f"{path}:/usr/local/sbin:/usr/sbin:/sbin".split(":"):
        found = f"{folder}/{program}"
        if folder and os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    return None


def find_library(name: str) -> str | None:
    """Path of a shared library where distributions have them; None: not there."""
    of_machines = (f"/usr/lib/{folder}" for folder in os.listdir("/usr/lib") if "-linux-" in folder)
    places = (f"{folder}/{name}" for folder in (*of_machines, "/usr/lib64", "/usr/lib"))
    return next(filter(os.path.exists, places), None)


def run(subject: str, command: list[str], text: str = "") -> str:
    """Standard output of ``command``. Raises KernelError about ``subject`` when it is missing, fails or hangs."""
    return run_bytes(subject, command, text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def run_bytes(subject: str, command: list[str], data: bytes = b"") -> bytes:
    """The same for programs that read or write what is no text."""
    path = find(command[0])
    if path is None:
        raise KernelError(subject, f"{command[0]} is not installed on this host, and is needed")
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [path, *command[1:]],
            input=data,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError(subject, f"{command[0]}: {error}") from error
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
        raise KernelError(subject, f"{command[0]}: {reason}")
    return done.stdout


def tools() -> Iterator[str]:
    yield from filter(find, _TOOLS)
    if find_library(_LIBBPF):
        yield "libbpf"


def wanting(backend: str, has_docker: bool) -> Iterator[str]:
    """Commands and Python packages that are needed on this host and not there."""
    for command in ("ip", "nft" if backend in ("firewalld", "none") else "iptables-restore"):
        if find(command) is None:
            yield command
    if has_docker and find_spec("requests") is None:
        yield "requests"
