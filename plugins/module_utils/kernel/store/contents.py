# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A store: intent, ledger, plans and files of clients with their history, in a folder of one host.

    weft-store          the marker (store_place.py)
    objects/<sha256>    every content once
    generations/<n>     which contents made up the whole, who stored them, when, and the digest of the generation before
    trees/<n>, current  the newest generation as files, for people

A write is complete with the rename of its generation. What is cut off before that leaves the one before as it was.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ...model.errors import KernelError
from ..lock import exclusive
from .manifest import EMPTY, INTENT, Entry, Manifest, checked, entry_of
from .place import MEMORY, identify, make, remember
from .shelves import Shelves

_TOLD = 5


class Status(NamedTuple):
    """newest: generation that is whole, EMPTY: there is none. damaged: its files whose content is not. notes: what is
    wrong, for the reader. tidy: whether `current` shows the newest one, and no damaged one stands before it."""

    newest: Manifest
    damaged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tidy: bool = True


class Found(NamedTuple):
    """The newest good version of a file. notes: why it is not that of the newest generation."""

    data: bytes
    generation: Manifest
    notes: tuple[str, ...] = ()


class Author(NamedTuple):
    """who: `ada@desk`. origin: address that they came in from, "" from nowhere else."""

    who: str
    origin: str = ""


class Store:
    def __init__(self, root: str, memory: str = MEMORY) -> None:
        self.root = root
        self._memory = memory
        self._shelves = Shelves(root)

    def exists(self) -> bool:
        """False where none may be missed. Raises KernelError where one is, or another one is there."""
        return identify(self.root, self._memory) is not None

    def require(self) -> None:
        """Raises KernelError where there is none."""
        if not self.exists():
            reason = "there is no store yet; run site.yml once with the intent on the controller"
            raise KernelError(f"store {self.root}", reason)

    @contextmanager
    def writing(self, first: bool) -> Iterator[None]:
        """Alone with the store. first: it is made where there is none yet, in an empty folder."""
        if not first:
            self.require()
        found = identify(self.root, self._memory)
        with _os_errors(self.root):
            if found is None:
                found = make(self.root)
            remember(self.root, found, self._memory)
            self._shelves.prepare()
            with exclusive(path=f"{self.root}/lock"):
                yield

    def look(self) -> Status:
        """The newest generation, every content of it read and compared."""
        with _os_errors(self.root):
            newest, notes = EMPTY, []
            for manifest in self._generations(notes):
                newest = manifest
                break
            damaged = tuple(path for path, entry in newest.files.items() if self._shelves.content(entry) is None)
            tidy = not notes and self._shelves.shown() == (newest.number or None)
        if damaged:
            more = f" and {len(damaged) - _TOLD} more" if len(damaged) > _TOLD else ""
            notes.append(f"damaged or missing in store {self.root}: {', '.join(damaged[:_TOLD])}{more}")
        return Status(newest, damaged, tuple(notes), tidy)

    def put(
        self,
        files: Mapping[str, Entry],
        identities: Mapping[str, str],
        contents: Mapping[str, bytes],
        author: Author,
        keep: int,
    ) -> tuple[bool, Manifest]:
        """Make the newest generation be `files`, and keep `keep` of them. Inside of writing().

        contents: of files that are new, changed or damaged, by path; what is whole is not written again.
        Returns (whether anything was written, the newest generation).
        """
        with _os_errors(self.root):
            before = self.look()
            self._check(files, contents, before.newest)
            bad = {before.newest.files[path] for path in before.damaged}
            given = {entry_of(data): data for data in contents.values()}
            new = (files, identities) != (before.newest.files, before.newest.identities)
            newest = self._generation(before.newest, files, identities, author) if new else before.newest
            changed = new or not before.tidy or bool(bad & set(given))
            if changed:
                # First of all: runs that were ended, because the disk was full perhaps, left what nobody needs.
                self._prune(keep)
                wanted = {entry for entry in files.values() if entry in given and self._shelves.content(entry) is None}
                self._shelves.add_objects(given[entry] for entry in wanted)
                if new:
                    self._shelves.add_generation(newest)
                self._shelves.show(newest, {path for path, entry in files.items() if entry in bad - set(given)})
                self._prune(keep)
            return changed, newest

    def read(self, path: str, latest: int | None = None) -> Found | None:
        """None where the newest generation has no such file. Raises KernelError where no version of it is whole.

        latest: of no later generation than this; None: whatever is the newest.
        """
        self.require()
        notes: list[str] = []
        newest = True
        with _os_errors(self.root):
            for manifest in self._generations(notes, latest):
                entry = manifest.files.get(path)
                if entry is None and newest:
                    return None
                newest = False
                data = self._shelves.content(entry) if entry is not None else None
                if data is not None:
                    return Found(data, manifest, tuple(notes))
                notes.append(f"{path} of generation {manifest.number} is damaged")
        reason = f"no version of {path} is whole" if notes else "nothing was stored yet"
        raise KernelError(f"store {self.root}", reason + "; a run with the intent from the controller fills it")

    def paths(self, latest: int | None = None) -> tuple[str, ...]:
        """Of all files of the newest generation; latest: as in read()."""
        with _os_errors(self.root):
            return tuple(path for manifest in tuple(self._generations([], latest))[:1] for path in manifest.files)

    def verify(self) -> tuple[str, ...]:
        """All that is wrong in any generation, in words."""
        notes: list[str] = []
        with _os_errors(self.root):
            sound: dict[Entry, bool] = {}
            for manifest in self._generations(notes):
                for path, entry in manifest.files.items():
                    if entry not in sound:
                        sound[entry] = self._shelves.content(entry) is not None
                    if not sound[entry]:
                        notes.append(f"{path} of generation {manifest.number} is damaged or missing")
                earlier = self._shelves.generation(manifest.number - 1)
                if earlier[0] is not None and hashlib.sha256(earlier[1]).hexdigest() != manifest.previous:
                    notes.append(
                        f"generation {manifest.number} does not follow from {manifest.number - 1} as it is now"
                    )
        return tuple(notes)

    def history(self) -> tuple[Manifest, ...]:
        """All generations that are whole, the newest first."""
        return tuple(self._generations([]))

    def _generations(self, notes: list[str], latest: int | None = None) -> Iterator[Manifest]:
        for number in self._shelves.numbers():
            if latest is not None and number > latest:
                continue
            manifest, _data = self._shelves.generation(number)
            if manifest is None:
                notes.append(f"generation {number} of store {self.root} is damaged; the one before it counts")
            else:
                yield manifest

    def _generation(
        self, before: Manifest, files: Mapping[str, Entry], identities: Mapping[str, str], author: Author
    ) -> Manifest:
        numbers = self._shelves.numbers()
        previous = self._shelves.generation(before.number)[1] if before.number else None
        return Manifest(
            number=numbers[0] + 1 if numbers else 1,
            previous=hashlib.sha256(previous).hexdigest() if previous is not None else None,
            when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            who=author.who,
            origin=author.origin,
            intent=files[INTENT].sha256 if INTENT in files else "",
            files=files,
            identities=identities,
        )

    def _prune(self, keep: int) -> None:
        self._shelves.prune(list(self._generations([]))[:keep])

    def _check(self, files: Mapping[str, Entry], contents: Mapping[str, bytes], before: Manifest) -> None:
        given = {entry_of(data) for data in contents.values()}
        for path, entry in files.items():
            if before.files.get(checked(path)) != entry and entry not in given:
                raise KernelError(f"store {self.root}", f"{path} came without its content")


@contextmanager
def _os_errors(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KernelError(f"store {root}", f"{error.filename or ''}: {error.strerror or error}".strip(": ")) from error
