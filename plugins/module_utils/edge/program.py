# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The code that a host keeps for its next boot: `weft` and all that it can come to import, read from where the modules
come from that run there now.

Imports are followed as Ansible follows them when it packs a module, also those within functions. So it is all there,
and nothing is imported for it: that would cost every run tens of milliseconds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

from ..diff.policy import NO_OBJECTS
from ..model.errors import WeftError
from ..model.policed import Objects
from ..model.stored import Program
from . import command

_ROOT = __name__.rsplit(".", 2)[0]
_PACKAGE = "weft_overlay"

# Rooms import each other in no other way. To parse them all would take longer than the rest of a run.
_IMPORT = re.compile(r"from (\.+)([\w.]*) import (?:\(([^)]*)\)|(.*))")
_NAME = re.compile(r"(\w+)(?: as \w+)?")

_MAIN = f"""\
import gc
import os
import sys

# A run is over before there is garbage worth collecting, and the kernel frees its memory faster than Python does.
gc.disable()
sys.path.insert(0, __file__.rpartition("/")[0])

from {_PACKAGE}.edge.command import main

code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


def program(objects: Objects = NO_OBJECTS) -> Program:
    """Sources by path, and one digest over them, and over the programs that judge where there are any. Raises WeftError
    where a module's source cannot be read."""
    sources = {"main.py": _MAIN, **_Reached(command.__name__).sources}
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path}\0{sources[path]}\0".encode())
    digest.update(objects.digest.encode())
    return Program(digest.hexdigest()[:32], tuple(sorted(sources.items())), objects.files)


def imports(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Of each relative import at any place: how many dots, the name after them, and what is taken from there."""
    for dots, inner, several, one in _IMPORT.findall(text):
        yield len(dots), inner, _NAME.findall(several or one)


class _Reached:
    """A module and all that it leads to. sources: by path."""

    def __init__(self, name: str) -> None:
        self.sources: dict[str, str] = {}
        self._specs: dict[str, ModuleSpec | None] = {}
        self._follow(name)

    def _follow(self, name: str) -> None:
        inner = name[len(_ROOT) :].replace(".", "/")
        path = f"{_PACKAGE}{inner}.py"
        if path in self.sources:
            return
        text = self._text(name)
        self.sources[path] = text
        folder = path
        while "/" in folder:  # packages are empty
            folder = folder.rpartition("/")[0]
            self.sources[f"{folder}/__init__.py"] = ""
        for dots, target, members in imports(text):
            package = ".".join((*name.split(".")[:-dots], *([target] if target else ())))
            for each in [f"{package}.{member}" for member in members] if self._is_package(package) else [package]:
                self._follow(each)

    def _is_package(self, name: str) -> bool:
        spec = self._spec(name)
        return spec is not None and spec.submodule_search_locations is not None

    def _spec(self, name: str) -> ModuleSpec | None:
        if name not in self._specs:
            self._specs[name] = find_spec(name)
        return self._specs[name]

    def _text(self, name: str) -> str:
        loader = getattr(self._spec(name), "loader", None)
        text = loader.get_source(name) if hasattr(loader, "get_source") else None
        if text is None:
            inner = name[len(_ROOT) + 1 :]
            raise WeftError(f"the source of {inner} cannot be read, so nothing could be stored for the next boot")
        # bytes come from Ansible's own loader, where no archive was made
        return text.decode() if isinstance(text, bytes) else text
