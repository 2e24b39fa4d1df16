# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files that hold one key each, on top of atomic.py; whatever the system refuses is a KernelError with the path."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...model.errors import KernelError
from .. import atomic


def read(path: str) -> str | None:
    """The text without the line's end, None where there is no such file."""
    try:
        data = atomic.read(path)
    except OSError as error:
        raise refused(path, error) from error
    return None if data is None else data.decode("ascii", "replace").strip()


def write(texts: Mapping[str, str]) -> None:
    """Each path's text, with a line's end; their folders are settled once for all."""
    path = ""
    try:
        for path in sorted({os.path.dirname(path) for path in texts}):
            atomic.folder(path)
        for path, text in texts.items():
            atomic.write(path, f"{text}\n".encode("ascii"))
        for path in sorted({os.path.dirname(path) for path in texts}):
            atomic.settle(path)
    except OSError as error:
        raise refused(path, error) from error


def move(before: str, after: str) -> None:
    """Rename; whatever was at `after` is gone in the same moment, and stays so after a crash."""
    os.replace(before, after)
    atomic.settle(os.path.dirname(after))


def refused(path: str, error: OSError) -> KernelError:
    return KernelError(f"file {path}", error.strerror or str(error))
