# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files with secrets: their owner's alone from the first byte on, whatever the umask, and whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..model.errors import KernelError

_ROOT = "/var/lib/weft"


def read(path: str) -> str | None:
    """The text without the line's end, None where there is no such file. Raises KernelError naming the path."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Keys are 45 bytes; more than this belongs to no file of ours.
            return os.read(descriptor, 4096).decode("ascii", "replace").strip()
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(path, error) from error


def write(texts: Mapping[str, str]) -> None:
    """Write each path's text, with a line's end, mode 0600, in a folder of mode 0700.

    All are on the disk before the first takes its place, so that many cost little more than one. Raises KernelError
    naming the path.
    """
    path = ""
    try:
        for path, text in texts.items():
            make_folder(os.path.dirname(path))
            _draft(_beside(path), text)
        for path in texts:
            _sync(_beside(path))
        for path in texts:
            os.replace(_beside(path), path)
        for path in sorted({os.path.dirname(path) for path in texts}):
            _sync(path)
    except OSError as error:
        raise refused(path, error) from error


def make_folder(folder: str) -> None:
    """The folder and those above it, up to the root of ours, for their owner alone."""
    if folder.startswith(_ROOT + "/"):
        make_folder(os.path.dirname(folder))
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if os.stat(folder).st_mode & 0o777 == 0o700:
            return
    os.chmod(folder, 0o700)


def move(before: str, after: str) -> None:
    """Rename; whatever was at `after` is gone in the same moment, and stays so after a crash."""
    os.replace(before, after)
    _sync(os.path.dirname(after))


def refused(path: str, error: OSError) -> KernelError:
    return KernelError(f"file {path}", error.strerror or str(error))


def _beside(path: str) -> str:
    return f"{os.path.dirname(path)}/.{os.path.basename(path)}.new"


def _draft(path: str, text: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)  # of a run that was cut off
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, text.encode("ascii") + b"\n")
    finally:
        os.close(descriptor)


def _sync(path: str) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
