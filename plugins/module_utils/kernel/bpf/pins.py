# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Everything that is pinned below a folder: taken down, and put back by a process that still holds it."""

from __future__ import annotations

import os

from ...model.errors import KernelError
from . import calls

# Behind the name of what is about to be pinned; no program and no map has such a name.
BESIDE = "-new"


class Pins:
    """File descriptors by path. While they are open, what they stand for is there, pinned or not."""

    def __init__(self, folder: str) -> None:
        """All that is there now, at any depth."""
        self._handles: dict[str, int] = {}
        try:
            for place, _folders, names in os.walk(folder):
                for name in names:
                    self._handles[f"{place}/{name}"] = calls.pinned(f"{place}/{name}")
        except BaseException:
            self.close()
            raise

    def put_back(self) -> None:
        """As it was, over what is there now under the same names. Raises KernelError."""
        for path, handle in self._handles.items():
            put_pin(handle, path)

    def close(self) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles = {}


def put_pin(handle: int, path: str) -> None:
    """Pins it there in one step, in place of what is pinned there."""
    parent, _slash, name = path.rpartition("/")
    beside = f"{parent}/{name}{BESIDE}"
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        if os.path.lexists(beside):  # of a run that was ended in the middle
            os.unlink(beside)
        calls.pin(handle, beside)
        os.rename(beside, path)
    except OSError as error:
        raise KernelError(path, os.strerror(error.errno or 0)) from error


def remove(folder: str) -> None:
    """Takes down all that is pinned there, and the folder. What programs at hooks still use stays until they go."""
    try:
        for place, folders, names in os.walk(folder, topdown=False):
            for name in names:
                os.unlink(f"{place}/{name}")
            for name in folders:
                os.rmdir(f"{place}/{name}")
        os.rmdir(folder)
    except OSError as error:
        raise KernelError(folder, os.strerror(error.errno or 0)) from error
