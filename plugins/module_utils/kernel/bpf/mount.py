# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""bpffs, the filesystem in which BPF programs and maps outlive the process that made them."""

from __future__ import annotations

import ctypes
import errno
import os
import stat

from ...model.errors import KernelError

BPFFS = "/sys/fs/bpf"
_MAGIC = 0xCAFE4A11
_LIBC = ctypes.CDLL(None, use_errno=True)
# nosuid, nodev, noexec: as systemd mounts it
_FLAGS = 2 | 4 | 8


def mount(path: str = BPFFS) -> bool:
    """Mounts it at a folder that is there, unless it is mounted there already: whether it had to be. Where systemd runs
    it has done so; containers and small systems have none."""
    if is_mounted(path):
        return False
    if _LIBC.mount(b"bpf", path.encode(), b"bpf", _FLAGS, b"mode=700"):
        raise KernelError(path, f"bpffs cannot be mounted there: {os.strerror(ctypes.get_errno())}")
    return True


def unmount(path: str = BPFFS) -> None:
    """Where nothing is pinned any more. Somebody else may use it by now: then it stays, and is no fault."""
    if not os.path.ismount(path) or not is_mounted(path):
        return
    # The kernel's own files there have a dot in their names, and nobody else's may.
    if any("." not in name for name in os.listdir(path)):
        return
    if _LIBC.umount(path.encode()) and ctypes.get_errno() != errno.EBUSY:
        raise KernelError(path, f"bpffs cannot be unmounted: {os.strerror(ctypes.get_errno())}")


def is_mounted(path: str = BPFFS) -> bool:
    """Whether a path is on bpffs. Raises KernelError where it does not exist."""
    # struct statfs begins with the type, a long; 512 bytes are far more than it has anywhere.
    found = ctypes.create_string_buffer(512)
    if _LIBC.statfs(path.encode(), found):
        raise KernelError(path, os.strerror(ctypes.get_errno()))
    return ctypes.c_long.from_buffer(found).value & 0xFFFFFFFF == _MAGIC


def own_folder(path: str) -> None:
    """Makes a folder there that nobody else may look into. Everybody may make folders in a bpffs that somebody mounted
    with the default mode, 1777; so one that was there before counts only if it is root's. Raises KernelError."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise KernelError(path, f"it belongs to user {found.st_uid}, who could replace policies; remove it")
        os.chmod(path, 0o700)
    except OSError as error:
        raise KernelError(path, os.strerror(error.errno or 0)) from error
