# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One at a time: a run, the boot and the watch never change a host at the same moment."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..model.errors import KernelError

PATH = "/run/weft/lock"
_STEP = 0.05


@contextmanager
def exclusive(seconds: float = 20, path: str = PATH, who: str = "this host itself") -> Iterator[None]:
    """Hold the host's lock. The kernel frees it with the process that held it, however that ended. who: holds it, for
    those who wait.

    Raises KernelError, naming who holds it since when, if it is not free within ``seconds``.
    """
    descriptor = _opened(path)
    try:
        _take(descriptor, seconds, path)
        _sign(descriptor, who, path)
        yield
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise KernelError(f"lock {path}", error.strerror or str(error)) from error


def _sign(descriptor: int, who: str, path: str) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime())
    try:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{who}, process {os.getpid()}, since {since}".encode(), 0)
    except OSError as error:
        raise KernelError(f"lock {path}", error.strerror or str(error)) from error


def retire(path: str = PATH) -> None:
    """Remove the lock with all that lies beside it, by whoever holds it and is the last to. Raises KernelError."""
    folder = os.path.dirname(path)
    try:
        for name in sorted(os.listdir(folder), key=lambda name: f"{folder}/{name}" == path):
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)
    except OSError as error:
        raise KernelError(f"folder {folder}", error.strerror or str(error)) from error


def _take(descriptor: int, seconds: float, path: str) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace")
                reason = f"another run is changing this host ({holder}); wait for it and run again"
                raise KernelError("lock", reason) from None
            time.sleep(_STEP)
        else:
            break
    # Who took weft off this host held the lock, and took that along.
    if not os.path.exists(path) or os.stat(path).st_ino != os.fstat(descriptor).st_ino:
        raise KernelError("lock", "weft was taken off this host while this run waited for that; run again")
