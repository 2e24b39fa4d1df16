# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where denials of many hosts lie: in a folder of the store, one for each host, named after it."""

from __future__ import annotations

import os
from urllib.parse import quote, unquote

from ..model.errors import KernelError
from . import atomic
from .store.place import MEMORY, identify


def folder_of(collected: str, host: str) -> str:
    """No name leads out of the folder, and no two lead to one."""
    return f"{collected}/{quote(host, safe='').replace('.', '%2E')}"


def hosts_in(collected: str) -> list[str]:
    """Names of the hosts whose denials are there, sorted. Raises KernelError."""
    try:
        with os.scandir(collected) as entries:
            return sorted(unquote(entry.name) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KernelError(f"folder {collected}", error.strerror or str(error)) from error


def prepare(store: str, collected: str, memory: str = MEMORY) -> None:
    """Make the folder where there is a store. Raises KernelError."""
    if identify(store, memory) is None:
        return
    try:
        atomic.folder(collected)
    except OSError as error:
        raise KernelError(f"folder {collected}", error.strerror or str(error)) from error


def is_ready(store: str, collected: str, memory: str = MEMORY) -> bool:
    """Whether there is a folder that this process may write to. Raises KernelError where there is no store: what is
    below the mount point of a disk that is missing would be lost."""
    if identify(store, memory) is None:
        raise KernelError(f"store {store}", "there is none yet; denials stay on their hosts until there is")
    return os.access(collected, os.W_OK | os.X_OK)
