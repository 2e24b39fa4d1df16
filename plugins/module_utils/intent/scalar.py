# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kinds of single values. Each reads the raw text of the file by its own rule; none guesses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .node import Node, Report, Scalar, quoted, shown
from .schema import Kind

T = TypeVar("T")

_DECIMAL = re.compile(r"0|-?[1-9][0-9]*")
# More digits than any number here has; int() of a text without bound takes quadratic time.
_MAX_DIGITS = 20


class MisfitError(Exception):
    """A text is not of the kind. Says what is wrong and what would be right; never leaves this room."""


class Single(Kind[T]):
    """A kind of scalar."""

    # False: the value is a text, and may be quoted.
    bare = False

    def read(self, node: Node, path: str, report: Report) -> T | None:
        if not isinstance(node, Scalar) or node.is_null():
            self.refuse_other(node, path, report)
            return None
        try:
            if self.bare and not node.plain:
                raise MisfitError(
                    f"{quoted(node.text)} is in quotes, and so a text; {self.words} is written without quotes"
                )
            return self.parse(node.text)
        except MisfitError as misfit:
            report.add(node.line, path, str(misfit))
            return None

    def parse(self, text: str) -> T:
        """The value, or MisfitError."""
        raise NotImplementedError


@dataclass(frozen=True)
class Integer(Single[int]):
    """A decimal number between two bounds, both included."""

    low: int
    high: int
    noun: str = "an integer"
    # Why the bounds are what they are; appended to the fault.
    why: str = ""
    bare = True

    @property
    def words(self) -> str:  # type: ignore[override]  # derived from the bounds here
        return f"{self.noun} ({self._range()})"

    def _range(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"

    def parse(self, text: str) -> int:
        if not _DECIMAL.fullmatch(text):
            stripped = text.lstrip("0")
            hint = ""
            if stripped != text and _DECIMAL.fullmatch(stripped or "0"):
                hint = f"; a leading zero means octal to some: write {stripped or 0}"
            raise MisfitError(f"{shown(text)} is not {self.words}, in decimal digits{hint}")
        if len(text) > _MAX_DIGITS or not self.low <= int(text) <= self.high:
            raise MisfitError(f"{shown(text)} is not {self.words}" + (f": {self.why}" if self.why else ""))
        return int(text)

    def schema(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Boolean(Single[bool]):
    words: str = "true or false"
    bare = True

    def parse(self, text: str) -> bool:
        if text not in ("true", "false"):
            hint = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower(), text.lower())
            advice = f"write {hint}" if hint in ("true", "false") else f"{self.words} is wanted"
            raise MisfitError(f"{shown(text)} is not a boolean; {advice}")
        return text == "true"

    def schema(self) -> dict[str, object]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Choice(Single[str]):
    """One of a few words."""

    options: tuple[str, ...]

    @property
    def words(self) -> str:  # type: ignore[override]  # derived from the options here
        return " or ".join(self.options)

    def parse(self, text: str) -> str:
        if text not in self.options:
            small = {option.lower(): option for option in self.options}
            near = difflib.get_close_matches(text.lower(), small, n=1)
            hint = f"; did you mean {small[near[0]]}?" if near else ""
            raise MisfitError(f"{shown(text)} is not {self.words}{hint}")
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True)
class Name(Single[str]):
    """A text of allowed ASCII characters: what reaches command lines, file names and rule sets is an allow-list.

    words: what it is ("an interface name"). first, rest: what may stand first and anywhere, as the insides of regular
    expressions' character classes; allowed: both in words. reserved: refused names → why.
    """

    words: str
    longest: int
    first: str
    rest: str
    allowed: str
    reserved: Mapping[str, str] = field(default_factory=dict)
    # Who sets the longest length.
    whose: str = ""

    def parse(self, text: str) -> str:
        strange = sorted(set(re.sub(f"[{self.rest}]", "", text)))
        if not text:
            raise MisfitError(f"is empty; {self.words} is wanted")
        if strange:
            held = ", ".join(_character(character) for character in strange[:5])
            raise MisfitError(f"{shown(text)} holds {held}; {self.words} is made of {self.allowed}")
        if not re.match(f"[{self.first}]", text):
            raise MisfitError(
                f"{shown(text)} begins with {_character(text[0])}; {self.words} is made of {self.allowed}"
            )
        if len(text) > self.longest:
            limit = f"{self.words} has at most {self.longest}" + (f" ({self.whose})" if self.whose else "")
            raise MisfitError(f"{shown(text)} has {len(text)} bytes; {limit}")
        if text in self.reserved:
            raise MisfitError(f"{shown(text)} cannot be {self.words}: {self.reserved[text]}")
        return text

    def schema(self) -> dict[str, object]:
        found: dict[str, object] = {
            "type": "string",
            "pattern": f"^[{self.first}][{self.rest}]*$",
            "maxLength": self.longest,
        }
        return {**found, "not": {"enum": sorted(self.reserved)}} if self.reserved else found


def _character(character: str) -> str:
    return "a blank" if character == " " else f"U+{ord(character):04X}" if ord(character) > 126 else shown(character)
