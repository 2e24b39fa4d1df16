# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files written whole or not at all: after a crash the old one is there, or the new one."""

from __future__ import annotations

import os
from io import FileIO

_OPEN = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_CHUNK = 8192


def folder(path: str) -> None:
    """Make it and what leads to it; it is ours alone (0700), also if it was there with wider permissions."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        folder(os.path.dirname(path))
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    if os.stat(path).st_mode & 0o7777 != 0o700:
        os.chmod(path, 0o700)


def write(path: str, data: bytes, mode: int = 0o600, durable: bool = True) -> None:
    """Root's alone from the first byte, and of this mode at the end. durable=False for what can be made again: its
    content may lag behind its name."""
    parent, _slash, name = path.rpartition("/")
    beside = f"{parent}/.{name}.new"
    try:
        descriptor = os.open(beside, _OPEN, 0o600)
    except FileExistsError:  # of a run that was ended in the middle
        os.unlink(beside)
        descriptor = os.open(beside, _OPEN, 0o600)
    try:
        with open(descriptor, "wb", buffering=0) as stream:
            _write(stream, data)
            os.fchmod(descriptor, mode)  # also what a umask took from it
            if durable:
                os.fsync(descriptor)
        os.replace(beside, path)
    except OSError:
        os.unlink(beside)  # a disk that is full is not to stay so because of us
        raise


def _write(stream: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]


def settle(path: str) -> None:
    """See to it that the names in a folder survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: str) -> bytes | None:
    """None where there is no such file."""
    return look(path)[0]


def look(path: str) -> tuple[bytes | None, bool]:
    """(content, whether nobody else may read it). Small reads: a large buffer costs more than all of a small file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None, True
    try:
        data = os.read(descriptor, _CHUNK)
        if len(data) == _CHUNK:
            parts = [data]
            while part := os.read(descriptor, 1 << 20):
                parts.append(part)
            data = b"".join(parts)
        return data, os.fstat(descriptor).st_mode & 0o077 == 0
    finally:
        os.close(descriptor)


def remove_tree(path: str) -> None:
    """A folder and all in it, under another name first: half a folder is never seen under its own name."""
    parent, _slash, name = path.rpartition("/")
    gone = f"{parent}/.{name}.gone"
    if os.path.isdir(gone):
        _empty(gone)
    os.rename(path, gone)
    _empty(gone)


def _empty(path: str) -> None:
    for folder_path, folders, files in os.walk(path, topdown=False):
        for name in files:
            os.unlink(f"{folder_path}/{name}")
        for name in folders:
            inner = f"{folder_path}/{name}"
            if os.path.islink(inner):
                os.unlink(inner)
            else:
                os.rmdir(inner)
    os.rmdir(path)
