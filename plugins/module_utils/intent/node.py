# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a document is made of, and where its faults are gathered.

Nodes carry the raw text of the file. What a text means is decided by the field it stands in (schema.py, scalar.py),
never by how it looks: that is how ``22:22``, ``010`` and ``no`` stay what the operator wrote.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Union

from ..model.errors import Fault

# What an empty value looks like. Quoted, these are ordinary texts.
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_TEXT = re.compile(r"[A-Za-z0-9._:/%+*-]{1,64}")


class Scalar(NamedTuple):
    """One text. ``plain`` is false where it was quoted or a block, and so cannot be a number, a boolean or nothing."""

    line: int
    text: str
    plain: bool = True

    def is_null(self) -> bool:
        return self.plain and self.text in _NULLS


class Sequence(NamedTuple):
    line: int
    items: tuple[Node, ...]


class Entry(NamedTuple):
    key: Scalar
    value: Node


class Mapping(NamedTuple):
    """``entries`` have different keys, in the order of the file."""

    line: int
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Node | None:
        """The value below ``key``; None: there is no such key."""
        for entry in self.entries:
            if entry.key.text == key:
                return entry.value
        return None


class Unreadable(NamedTuple):
    """Stands where something was that has been reported already (an alias); it gives no second fault."""

    line: int


# A value's line is that of its key, which is where a reader looks for ``key: value``.
Node = Union[Scalar, Sequence, Mapping, Unreadable]


class Report:
    """Gathers what is to be said about one file, in the order of its lines: faults, and notes, which refuse nothing."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._faults: list[tuple[int, Fault]] = []
        self._notes: list[tuple[int, Fault]] = []

    def add(self, line: int, path: str, message: str) -> None:
        """``line`` counts from 1; ``path`` is empty for the document itself."""
        self._faults.append((line, Fault(f"{self._file}:{line}", path, message)))

    def note(self, line: int, path: str, message: str) -> None:
        """What may be meant and may be not."""
        self._notes.append((line, Fault(f"{self._file}:{line}", path, message)))

    def faults(self) -> tuple[Fault, ...]:
        return _in_order(self._faults)

    def notes(self) -> tuple[Fault, ...]:
        return _in_order(self._notes)


def _in_order(found: list[tuple[int, Fault]]) -> tuple[Fault, ...]:
    return tuple(fault for _line, fault in sorted(found, key=lambda pair: pair[0]))


def below(path: str, key: str) -> str:
    """The path of a key: ``overlay.port``; a key with other characters is quoted: ``clients["a b"]``."""
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{quoted(key)}]"
    return f"{path}.{key}" if path else key


def shown(text: str) -> str:
    """A text as it stands in a message: as it is where that is unmistakable, otherwise quoted, escaped and cut."""
    return text if _PLAIN_TEXT.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """A text in double quotes, cut to 64 characters; no control character of a file reaches a terminal."""
    cut = text if len(text) <= 64 else text[:61] + "..."
    return '"' + "".join(_escaped(character) for character in cut) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def from_plain(value: object, line: int) -> Node:
    """A default, written in the description as a user would write it, as the node of an imagined file."""
    if isinstance(value, dict):
        entries = (Entry(Scalar(line, key, plain=False), from_plain(inner, line)) for key, inner in value.items())
        return Mapping(line, tuple(entries))
    if isinstance(value, (list, tuple)):
        return Sequence(line, tuple(from_plain(item, line) for item in value))
    if isinstance(value, str):
        return Scalar(line, value, plain=False)
    return Scalar(line, str(value).lower() if isinstance(value, bool) else str(value))
