# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Maps and lists: any number of values of one kind."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from .node import Mapping, Node, Report, Sequence, below, shown
from .schema import Kind, Row

V = TypeVar("V")


class Named(NamedTuple):
    """What could be read of a mapping, for checks. values: by name. names: all that stand in the file, also those whose
    value could not be read and of which nothing can be said."""

    values: abc.Mapping[str, Any]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Map(Kind[abc.Mapping[str, V]]):
    """Names of the user's choice → values of one kind. Read-only and sorted: the order in the file means nothing."""

    key: Kind[str]
    value: Kind[V]
    noun: str = "name"
    words: str = "a mapping"

    def read(self, node: Node, path: str, report: Report) -> abc.Mapping[str, V] | None:
        return self.parts(node, path, report)[0]

    def parts(self, node: Node, path: str, report: Report) -> tuple[abc.Mapping[str, V] | None, dict[str, object]]:
        if not isinstance(node, Mapping):
            self.refuse_other(node, path, report)
            return None, {}
        found: dict[str, V] = {}
        for entry in node.entries:
            at = below(path, entry.key.text)
            # A name is a text, however it is written.
            name = self.key.read(entry.key._replace(plain=False), at, report)
            value = self.value.read(entry.value, at, report)
            if name is not None and value is not None:
                found[name] = value
        values = MappingProxyType({name: found[name] for name in sorted(found)})
        readable = Named(values, tuple(entry.key.text for entry in node.entries))
        return values if len(found) == len(node.entries) else None, {"*": readable}

    def when_empty(self) -> str:
        return "`{}` is the empty mapping"

    def schema(self) -> dict[str, object]:
        return {"type": "object", "propertyNames": self.key.schema(), "additionalProperties": self.value.schema()}

    def rows(self, path: str) -> abc.Iterator[Row]:
        return self.value.rows(f"{path}.<{self.noun}>")


@dataclass(frozen=True)
class List(Kind[tuple[V, ...]]):
    """Values of one kind, in the order of the file."""

    item: Kind[V]
    at_least: int = 0
    unique: bool = False
    words: str = "a list"

    def read(self, node: Node, path: str, report: Report) -> tuple[V, ...] | None:
        return self.parts(node, path, report)[0]

    def parts(self, node: Node, path: str, report: Report) -> tuple[tuple[V, ...] | None, dict[str, object]]:
        """Inside, as ``*``: (place, value) of those entries that could be read."""
        if not isinstance(node, Sequence):
            self.refuse_other(node, path, report)
            return None, {}
        if len(node.items) < self.at_least:
            report.add(node.line, path, f"has {len(node.items)} of at least {self.at_least} entries")
            return None, {}
        found: dict[int, V] = {}
        for number, item in enumerate(node.items):
            value = self.item.read(item, f"{path}[{number}]", report)
            if value is None:
                continue
            if self.unique and value in found.values():
                report.add(item.line, f"{path}[{number}]", f"{shown(str(value))} stands here twice; keep one")
            found[number] = value
        values = tuple(found.values()) if len(found) == len(node.items) else None
        return values, {"*": tuple(found.items())}

    def when_empty(self) -> str:
        return super().when_empty() if self.at_least else "`[]` is the empty list"

    def schema(self) -> dict[str, object]:
        found: dict[str, object] = {"type": "array", "items": self.item.schema()}
        if self.at_least:
            found["minItems"] = self.at_least
        if self.unique:
            found["uniqueItems"] = True
        return found

    def rows(self, path: str) -> abc.Iterator[Row]:
        return self.item.rows(f"{path}[]")
