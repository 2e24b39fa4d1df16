# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What lies in a store: objects named after their content, generations that say which of them make up the whole, and a
tree of links for people. Everything is written before it is referred to, and removed after nothing refers to it."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable

from .. import atomic
from .manifest import Entry, Manifest, entry_of, from_bytes, is_sum, to_bytes

# What says that a file system has no links, or that an object has as many as there may be.
_NO_LINK = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class Shelves:
    """The folders below the root of a store."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._objects, self._generations, self._trees = (
            f"{root}/{name}" for name in ("objects", "generations", "trees")
        )

    def prepare(self) -> None:
        for folder in (self.root, self._objects, self._generations, self._trees):
            atomic.folder(folder)

    def numbers(self) -> list[int]:
        """Of all generations, damaged ones too, the newest first."""
        names = _names(self._generations)
        found = [name[:-5] for name in names if name.endswith(".json") and name[:-5].isdecimal()]
        return sorted(map(int, found), reverse=True)

    def generation(self, number: int) -> tuple[Manifest | None, bytes]:
        """(the manifest, None where it is damaged; its bytes)."""
        data = atomic.read(f"{self._generations}/{number}.json") or b""
        manifest = from_bytes(data)
        return (manifest if manifest is not None and manifest.number == number else None), data

    def add_generation(self, manifest: Manifest) -> None:
        atomic.write(f"{self._generations}/{manifest.number}.json", to_bytes(manifest))
        atomic.settle(self._generations)

    def content(self, entry: Entry) -> bytes | None:
        """Of an object; None where it is missing, half, damaged or open to others."""
        data, closed = atomic.look(f"{self._objects}/{entry.sha256}") if is_sum(entry.sha256) else (None, True)
        return data if data is not None and closed and entry_of(data) == entry else None

    def add_objects(self, contents: Iterable[bytes]) -> None:
        for data in contents:
            atomic.write(f"{self._objects}/{entry_of(data).sha256}", data)
        atomic.settle(self._objects)

    def show(self, manifest: Manifest, damaged: Collection[str] = ()) -> None:
        """Make `current` the tree of this generation. Its files are links to the objects, or copies where there are no
        links; those that are damaged are left out."""
        tree, beside = f"{self._trees}/{manifest.number}", f"{self._trees}/.{manifest.number}.new"
        if os.path.isdir(beside):
            atomic.remove_tree(beside)
        atomic.folder(beside)
        for folder in sorted({os.path.dirname(path) for path in manifest.files}):
            atomic.folder(f"{beside}/{folder}")
        for path, entry in manifest.files.items():
            if path not in damaged:
                self._link(entry, f"{beside}/{path}")
        if os.path.isdir(tree):
            atomic.remove_tree(tree)
        os.rename(beside, tree)
        self._point(manifest.number)

    def shown(self) -> int | None:
        """The number of the generation that `current` leads to, None where it leads nowhere."""
        try:
            number = os.readlink(f"{self.root}/current").rpartition("/")[2]
        except OSError:
            return None
        return int(number) if number.isdecimal() and os.path.isdir(f"{self._trees}/{number}") else None

    def prune(self, kept: Iterable[Manifest]) -> None:
        """Remove other generations, then what none refers to, and what runs that were ended left behind."""
        kept = list(kept)
        for name in set(_names(self._generations)) - {f"{manifest.number}.json" for manifest in kept}:
            os.unlink(f"{self._generations}/{name}")
        used = {entry.sha256 for manifest in kept for entry in manifest.files.values()}
        for name in set(_names(self._objects)) - used:
            os.unlink(f"{self._objects}/{name}")
        for name in set(_names(self._trees)) - {str(self.shown())}:
            atomic.remove_tree(f"{self._trees}/{name}")

    def _point(self, number: int) -> None:
        beside = f"{self.root}/.current.new"
        if os.path.lexists(beside):
            os.unlink(beside)
        os.symlink(f"trees/{number}", beside)
        os.replace(beside, f"{self.root}/current")
        atomic.settle(self.root)

    def _link(self, entry: Entry, path: str) -> None:
        data = f"{self._objects}/{entry.sha256}"
        try:
            os.link(data, path)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            atomic.write(path, self.content(entry) or b"", durable=False)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
