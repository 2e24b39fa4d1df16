# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""BPF programs and their maps: loaded together, and pinned below a folder of bpffs, where the next run finds them.

    FOLDER/maps-VERSION/NAME   a map; one that is there is used again, so flows and counters outlive their programs
    FOLDER/programs/NAME       a program

A map of another version of the layout is another map: programs that mean different things by it share none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...model.errors import KernelError
from . import calls
from .layout import VERSION
from .log import said
from .pins import BESIDE, put_pin

_MAPS = f"maps-{VERSION}"
_PROGRAMS = "programs"
# How much of what libbpf said an error repeats.
_LAST_LINES = 8
_UNREADABLE = "it cannot be read as a BPF object; it is built by `make bpf` and in every release"


class Program(NamedTuple):
    """A program that is loaded. number: the kernel's. tag: of its instructions."""

    name: str
    number: int
    tag: str


def map_path(folder: str, name: str) -> str:
    return f"{folder}/{_MAPS}/{name}"


def program_path(folder: str, name: str) -> str:
    return f"{folder}/{_PROGRAMS}/{name}"


def load(folder: str, paths: Sequence[str], sizes: Mapping[str, int] | None = None) -> dict[str, Program]:
    """The same as load_objects, of files."""
    return load_objects(folder, [(path, _read(path)) for path in paths], sizes)


def load_objects(
    folder: str, objects: Sequence[tuple[str, bytes]], sizes: Mapping[str, int] | None = None
) -> dict[str, Program]:
    """Loads objects (name and ELF), all or none, and pins what they hold: their programs by name.

    folder: on bpffs. sizes: by map, how many entries it is made for, where not as many as the object says; a map that
    is there already stays as it is. Raises KernelError; then what was pinned before is untouched, and still in force
    where it is attached.
    """
    with said() as lines:
        loader = _Loader(folder, sizes or {})
        try:
            for name, content in objects:
                loader.add(name, content)
            return loader.pin()
        except KernelError as error:
            words = [line for text in lines for line in text.splitlines() if line][-_LAST_LINES:]
            raise KernelError(error.subject, "; ".join((error.reason, *words))) from error
        finally:
            loader.close()


def other_layouts(folder: str) -> list[str]:
    """Folders of maps that programs of another version of the layout have left."""
    return [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.startswith("maps-") and name != _MAPS]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise KernelError(path, f"{_UNREADABLE} ({error.strerror})") from error


def loaded(folder: str) -> dict[str, Program]:
    """The programs that are pinned; none where nothing was ever loaded."""
    try:
        names = [name for name in sorted(os.listdir(f"{folder}/{_PROGRAMS}")) if not name.endswith(BESIDE)]
    except OSError:
        return {}
    return {name: _program(name, handle) for name in names for handle in [calls.pinned(program_path(folder, name))]}


class _Loader:
    """maps: file descriptors, by name. fresh: of maps that are pinned nowhere yet."""

    def __init__(self, folder: str, sizes: Mapping[str, int]) -> None:
        self._folder = folder
        self._sizes = sizes
        self._library = calls.libbpf()
        self._objects: list[int] = []
        self._maps: dict[str, int] = {}
        self._own: list[int] = []
        self._fresh: list[str] = []
        self._programs: dict[str, int] = {}

    def add(self, path: str, content: bytes) -> None:
        handle = self._library.bpf_object__open_mem(content, len(content), None)
        if not handle:
            raise KernelError(path, _UNREADABLE)
        self._objects.append(handle)
        maps = {self._library.bpf_map__name(found).decode(): found for found in self._each("map", handle)}
        for name, found in maps.items():
            self._prepare(name, found)
        calls.checked(path, self._library.bpf_object__load(handle))
        for name, found in maps.items():
            if name not in self._maps:
                self._maps[name] = self._library.bpf_map__fd(found)
                self._fresh.append(name)
        for found in self._each("program", handle):
            name = self._library.bpf_program__name(found).decode()
            self._programs[name] = self._library.bpf_program__fd(found)

    def pin(self) -> dict[str, Program]:
        made: list[str] = []
        try:
            for name in (_MAPS, _PROGRAMS):
                os.makedirs(f"{self._folder}/{name}", mode=0o700, exist_ok=True)
            for name in self._fresh:
                calls.pin(self._maps[name], map_path(self._folder, name))
                made.append(map_path(self._folder, name))
            for name, handle in self._programs.items():
                put_pin(handle, program_path(self._folder, name))
        except (OSError, KernelError) as error:
            for path in made:
                os.unlink(path)
            if isinstance(error, KernelError):
                raise
            raise KernelError(self._folder, os.strerror(error.errno or 0)) from error
        return {name: _info(name, handle) for name, handle in self._programs.items()}

    def close(self) -> None:
        for handle in self._objects:
            self._library.bpf_object__close(handle)
        for handle in self._own:
            os.close(handle)

    def _each(self, what: str, handle: int) -> Iterator[int]:
        following = getattr(self._library, f"bpf_object__next_{what}")
        found = following(handle, None)
        while found:
            yield found
            found = following(handle, found)

    def _prepare(self, name: str, found: int) -> None:
        """Says where the map is, or how large it is to be."""
        path = map_path(self._folder, name)
        if name not in self._maps and os.path.lexists(path):
            self._maps[name] = calls.pinned(path)
            self._own.append(self._maps[name])
        if name in self._maps:
            self._compare(name, found)
            calls.checked(path, self._library.bpf_map__reuse_fd(found, self._maps[name]))
        elif name in self._sizes:
            calls.checked(path, self._library.bpf_map__set_max_entries(found, self._sizes[name]))

    def _compare(self, name: str, found: int) -> None:
        there = calls.map_info(self._maps[name])
        wanted = [getattr(self._library, f"bpf_map__{what}")(found) for what in _COMPARED]
        if [there.kind, there.key, there.value, there.flags] != wanted:
            reason = (
                f"it is not what these programs want (it has {there}); detach the programs and remove {self._folder}"
            )
            raise KernelError(map_path(self._folder, name), reason)


_COMPARED = ("type", "key_size", "value_size", "map_flags")


def _program(name: str, handle: int) -> Program:
    try:
        return _info(name, handle)
    finally:
        os.close(handle)


def _info(name: str, handle: int) -> Program:
    number, tag, _name = calls.program_info(handle)
    return Program(name, number, tag)
