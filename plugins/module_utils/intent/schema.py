# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Descriptions of what a file may say: kinds of values, and records of them.

A description is the only definition of a part of the intent. From it come the values (`read`), every fault with its
line and path (`read`, into a Report), the JSON Schema for editors (`schema`) and the reference in docs/ (`rows`).
"""

from __future__ import annotations

import difflib
import json
from collections import abc
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, Union

from .node import Mapping, Node, Report, Scalar, Sequence, Unreadable, below, from_plain

T = TypeVar("T")


class Row(NamedTuple):
    """One line of the reference. ``default`` is text: a value, ``required``, or what its absence means."""

    path: str
    type: str
    default: str
    says: str


class Kind(Generic[T]):
    """What one value may be."""

    # In words, for the reference and for faults: "port (1–65535)", "mapping".
    words: str

    def read(self, node: Node, path: str, report: Report) -> T | None:
        """The value, or None: it was refused, and ``report`` says why."""
        raise NotImplementedError

    def parts(self, node: Node, path: str, report: Report) -> tuple[T | None, dict[str, object]]:
        """What `read` gives, and for checks what could be read inside, by its place there ("" for none)."""
        return self.read(node, path, report), {}

    def schema(self) -> dict[str, object]:
        """JSON Schema, draft 7 (the one that editors' YAML support speaks)."""
        raise NotImplementedError

    def rows(self, path: str) -> abc.Iterator[Row]:  # noqa: ARG002  # collections need it
        """The reference's rows of what lies below ``path``; none for a scalar."""
        return iter(())

    def refuse_other(self, node: Node, path: str, report: Report) -> None:
        """Reports a node that is not of the form that this kind wants."""
        if isinstance(node, Unreadable):
            return
        if isinstance(node, Scalar) and node.is_null():
            report.add(node.line, path, f"has no value; {self.when_empty()}")
            return
        found = {Scalar: "a single value", Sequence: "a list", Mapping: "a mapping"}[type(node)]
        report.add(node.line, path, f"is {found}, where {self.words} is wanted")

    def when_empty(self) -> str:
        return f"give {self.words}, or delete the line"


@dataclass(frozen=True)
class Field:
    """One key of a record.

    default: what its absence means, written as a user would write it. None: the value is then None.
    absent: for a default of None, what that means, in words.
    """

    kind: Kind[Any]
    says: str
    default: object = None
    absent: str = "absent"
    required: bool = False

    def default_words(self) -> str:
        if self.required:
            return "required"
        if self.default is None:
            return self.absent
        return f"`{self.default if isinstance(self.default, str) else json.dumps(self.default)}`"

    def schema(self) -> dict[str, object]:
        found = {**self.kind.schema(), "description": self.says}
        if not self.required and self.default is not None:
            found["default"] = self.default
        return found


# Where a check's fault is, from the record on: "port", "names.bridge", or for names that may hold dots and for entries
# of lists ("clients", "anna.phone", "profile") and ("lan", 0). "" is the record itself.
Where = Union[str, tuple[Union[str, int], ...]]


class Check(NamedTuple):
    """What must hold between fields of a record (or of the records directly in it: ``names.bridge``; of a mapping of
    names, ``clients.*`` is those that could be read, see collection.Named; of a list likewise, see collection.List).

    Runs when all of ``needs`` could be read; ``find`` gets them in that order and gives (where, fault) pairs.
    note: what it finds may be meant, and is told without refusing the file.
    """

    needs: tuple[str, ...]
    find: abc.Callable[..., abc.Iterable[tuple[Where, str]]]
    note: bool = False


@dataclass(frozen=True)
class Record(Kind[T]):
    """Known keys, each with its own kind; ``build`` is called with all of them and makes the value."""

    build: abc.Callable[..., T]
    fields: abc.Mapping[str, Field]
    checks: tuple[Check, ...] = ()
    words: str = "a mapping"

    def read(self, node: Node, path: str, report: Report) -> T | None:
        return self.parts(node, path, report)[0]

    def parts(self, node: Node, path: str, report: Report) -> tuple[T | None, dict[str, object]]:
        parts = self._parts(node, path, report)
        if not all(name in parts for name in self.fields):
            return None, parts
        return self.build(**{name: parts[name] for name in self.fields}), parts

    def _parts(self, node: Node, path: str, report: Report) -> dict[str, object]:
        """Every field that could be read, what is inside of it also under ``outer.inner``."""
        if not isinstance(node, Mapping):
            self.refuse_other(node, path, report)
            return {}
        self._refuse_unknown(node, path, report)
        parts: dict[str, object] = {}
        for name, field in self.fields.items():
            given = node.get(name)
            if given is None and field.required:
                report.add(node.line, below(path, name), f"is missing; give {field.kind.words}")
                continue
            if given is None and field.default is None:
                parts[name] = None
                continue
            value_node = given if given is not None else from_plain(field.default, node.line)
            value, inner = field.kind.parts(value_node, below(path, name), report)
            parts.update((f"{name}.{key}", part) for key, part in inner.items())
            if value is not None:
                parts[name] = value
        self._check(node, path, parts, report)
        return parts

    def _refuse_unknown(self, node: Mapping, path: str, report: Report) -> None:
        # What stands here already was hardly meant by another key.
        missing = [name for name in self.fields if node.get(name) is None]
        for entry in node.entries:
            key = entry.key.text
            if key in self.fields:
                continue
            near = _nearest(key, missing) or _nearest(key, self.fields)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(self.fields)}"
            report.add(entry.key.line, below(path, key), f"unknown key; {hint}")

    def _check(self, node: Mapping, path: str, parts: dict[str, object], report: Report) -> None:
        for check in self.checks:
            if not all(name in parts for name in check.needs):
                continue
            tell = report.note if check.note else report.add
            for where, message in check.find(*(parts[need] for need in check.needs)):
                tell(*_place(node, path, where), message)

    def when_empty(self) -> str:
        defaults = "" if any(field.required for field in self.fields.values()) else ", `{}` for all defaults"
        return f"give {self.words}{defaults}, or delete the line"

    def schema(self) -> dict[str, object]:
        found: dict[str, object] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: field.schema() for name, field in self.fields.items()},
        }
        required = [name for name, field in self.fields.items() if field.required]
        return {**found, "required": required} if required else found

    def rows(self, path: str) -> abc.Iterator[Row]:
        for name, field in self.fields.items():
            at = f"{path}.{name}" if path else name
            yield Row(at, field.kind.words, field.default_words(), field.says)
            yield from field.kind.rows(at)


def _nearest(key: str, known: abc.Iterable[str]) -> list[str]:
    return difflib.get_close_matches(key.lower(), known, n=1)


def _place(node: Mapping, path: str, where: Where) -> tuple[int, str]:
    """Line and path of a value; where it or what it is in is left to the default, the line of what is there."""
    line: int = node.line
    inner: Node | None = node
    for step in where if isinstance(where, tuple) else where.split(".") if where else ():
        if isinstance(step, int):
            path = f"{path}[{step}]"
            inner = inner.items[step] if isinstance(inner, Sequence) else None
        else:
            path = below(path, step)
            inner = inner.get(step) if isinstance(inner, Mapping) else None
        line = inner.line if inner is not None else line
    return line, path
