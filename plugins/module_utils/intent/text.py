# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Texts for people, and paths."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .node import shown
from .scalar import MisfitError, Single


@dataclass(frozen=True)
class Line(Single[str]):
    """One line of printable text; it is written into files of others as a comment."""

    longest: int

    @property
    def words(self) -> str:  # type: ignore[override]  # derived from the bound here
        return f"a line of text ({self.longest} characters at most)"

    def parse(self, text: str) -> str:
        if not text.strip():
            raise MisfitError(f"is empty; give {self.words}, or delete the line")
        if not text.isprintable():
            strange = next(character for character in text if not character.isprintable())
            raise MisfitError(f"{shown(text)} holds U+{ord(strange):04X}, which cannot be printed; delete it")
        if len(text) > self.longest:
            raise MisfitError(f"{shown(text)} has {len(text)} characters; at most {self.longest}")
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", "minLength": 1, "maxLength": self.longest}


_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
# What is there is gone, or something else, after a restart.
_PASSING = ("/dev", "/proc", "/run", "/sys", "/tmp")  # noqa: S108  # refused, not used


@dataclass(frozen=True)
class Folder(Single[str]):
    """An absolute path of a folder that is ours alone: at least two deep, for its permissions are made tight."""

    words: str = "the path of a folder"

    def parse(self, text: str) -> str:
        if not re.fullmatch(f"(/{_PART})+", text):
            raise MisfitError(
                f"{shown(text)} is not an absolute path of letters, digits, dots, dashes and underscores, no part of "
                "which begins with a dot or a dash, as /srv/weft is"
            )
        if text.count("/") < 2:
            raise MisfitError(f"{text} is not ours alone; give a folder in it, as {text}/weft")
        if len(text) > 200:
            raise MisfitError(f"{shown(text)} has {len(text)} bytes; at most 200")
        if f"/{text.split('/')[1]}" in _PASSING:
            raise MisfitError(f"{text} does not survive a restart; give a folder that does, as /srv/weft")
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^(/{_PART}){{2,}}$", "maxLength": 200}
