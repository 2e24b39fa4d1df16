# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a store is: a folder with a marker in it. A folder without one is never taken for an empty store, because the
mount point of a disk that is not there looks just like that."""

from __future__ import annotations

import json
import os

from ...model.errors import KernelError
from ...model.sending import COLLECTED
from .. import atomic

MARKER = "weft-store"
# What this host remembers of its stores, apart from them: {path: id}.
MEMORY = "/var/lib/weft/stores.json"
_FSTAB = "/etc/fstab"

# In a folder that counts as empty: what a new file system has, and what a first run leaves that is ended in the middle.
_NOTHING = {"lost+found", f".{MARKER}.new"}
# All that is ever made in one: see store.py and store_shelves.py; what is half removed, too.
_FOLDERS = {"objects", "generations", "trees", COLLECTED}
_OURS = {MARKER, *_NOTHING - {"lost+found"}, "current", "lock", *_FOLDERS, *(f".{name}.gone" for name in _FOLDERS)}


def identify(root: str, memory: str = MEMORY) -> str | None:
    """The id of the store in a folder; None where there never was one and one may be made.

    Raises KernelError where there should be a store and is none, or another one than before.
    """
    known = remembered(memory).get(root)
    data = atomic.read(f"{root}/{MARKER}")
    if data is not None:
        found = _id_in(root, data)
        if known not in (None, found):
            raise KernelError(
                f"store {root}",
                f"store {known} was here, and now {found} is: another disk is mounted. Mount the right one, or, if "
                f"this one is to be used from now on, remove the line of {root} from {memory}",
            )
        return found
    if known is not None:
        raise KernelError(
            f"store {root}",
            f"store {known} was here, and now there is none: is its disk mounted? Mount it, or, if it is lost for "
            f"good, remove the line of {root} from {memory}; a run with the intent from the controller then fills a "
            "new one",
        )
    return None


def make(root: str, fstab: str = _FSTAB) -> str:
    """A new store in a folder that is not there or empty. Its id. Raises KernelError for any other folder."""
    if os.path.lexists(root) and (not os.path.isdir(root) or set(os.listdir(root)) - _NOTHING):
        raise KernelError(f"store {root}", "it is no store, and not empty either; name a folder that is to be one")
    missing = _unmounted(root, fstab)
    if missing:
        raise KernelError(
            f"store {root}", f"{missing} is to be mounted according to {fstab}, and is not; mount it first"
        )
    # A folder that was there is given back as it was.
    there = {"folder": os.stat(root).st_mode & 0o7777} if os.path.isdir(root) else {}
    atomic.folder(root)
    found = os.urandom(16).hex()
    atomic.write(f"{root}/{MARKER}", json.dumps({"id": found, "version": 1, **there}).encode() + b"\n")
    atomic.settle(root)
    return found


def remove(root: str, memory: str = MEMORY) -> None:
    """A store with all that is in it, and the folder, unless that was there before or has something of others in it.

    Raises KernelError where its disk is missing, or another one is mounted, and OSError.
    """
    if identify(root, memory) is None:
        return
    found = json.loads(atomic.read(f"{root}/{MARKER}") or b"{}").get("folder")
    # The marker is the last: what is ended in the middle is a store still.
    for name in sorted(_OURS & set(os.listdir(root)), key=lambda name: name == MARKER):
        path = f"{root}/{name}"
        if os.path.isdir(path) and not os.path.islink(path):
            atomic.remove_tree(path)
        elif name != MARKER:
            os.unlink(path)
    forget(root, memory)
    os.unlink(f"{root}/{MARKER}")
    if found is not None:
        os.chmod(root, int(found))
    elif not os.listdir(root) and not os.path.ismount(root):
        os.rmdir(root)


def forget(root: str, memory: str = MEMORY) -> None:
    """From now on nothing is missed in this place."""
    known = remembered(memory)
    if known.pop(root, None) is None:
        return
    if known:
        atomic.write(memory, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())
    else:
        os.unlink(memory)


def remember(root: str, found: str, memory: str = MEMORY) -> None:
    """From now on an empty folder in this place is a disk that is missing."""
    known = remembered(memory)
    if known.get(root) != found:
        atomic.folder(os.path.dirname(memory))
        atomic.write(memory, (json.dumps({**known, root: found}, indent=1, sort_keys=True) + "\n").encode())


def remembered(memory: str = MEMORY) -> dict[str, str]:
    """The stores that this host has: folder and id of each. Raises KernelError."""
    data = atomic.read(memory)
    if data is None:
        return {}
    try:
        known = json.loads(data)
        return {str(root): str(found) for root, found in known.items()}
    except (ValueError, AttributeError) as error:
        raise KernelError(
            "store", f"{memory} is damaged; it says which stores this host has: mend or remove it"
        ) from error


def _id_in(root: str, data: bytes) -> str:
    try:
        document = json.loads(data)
        version, found = document["version"], str(document["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise KernelError(f"store {root}", f"its marker {root}/{MARKER} is damaged; restore it") from error
    if version != 1:
        raise KernelError(
            f"store {root}", f"it has version {version!r}, this release reads 1; install a newer collection"
        )
    return found


def _unmounted(root: str, fstab: str) -> str | None:
    """A mount point of /etc/fstab that the folder is in, and that has nothing mounted on it."""
    for line in (atomic.read(fstab) or b"").decode(errors="replace").splitlines():
        fields = line.split()
        if len(fields) < 3 or fields[0].startswith("#") or not fields[1].startswith("/") or fields[1] == "/":
            continue
        point = fields[1].rstrip("/")
        if (root == point or root.startswith(point + "/")) and not os.path.ismount(point):
            return point
    return None
