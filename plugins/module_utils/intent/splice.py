# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One entry of a mapping of mappings put into a text, changed or taken out. Knows YAML, and nothing of domains.

``path`` is the key of a mapping at the top level and the name of the entry in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .span import Part, Span

Path = tuple[str, str]

# What needs no quotes, in brackets or not: words, IPv4 addresses and dates. Others might be taken for numbers.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./+=-]*|[0-9]+(\.[0-9]+){3}|[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Words that stand for something else, to this or that reader of YAML.
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null"))


def shown(value: Any) -> str:
    """A value as YAML, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{shown(key)}: {shown(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _WORDS):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def insert(text: str, root: Span, path: Path, fields: Mapping[str, Any]) -> str:
    """``fields`` as an entry more, after the others, written as the last of them is."""
    key, name = path
    section = root.part(key)
    if section is None:
        if not root.block:
            return _replace(
                text, root.parts[-1].value.end, root.parts[-1].value.end, f", {shown({key: {name: fields}})[1:-1]}"
            )
        column = _column(text, root.parts[0].key.start)
        return _add_lines(text, root.end, column, ["", f"{' ' * column}{key}:", *_entry(name, fields, column + 2, 2)])
    entries = section.value.parts
    if not entries and root.block:
        return _first_lines(text, section, _entry(name, fields, _column(text, section.key.start) + 2, 2))
    if not section.value.block:
        at = entries[-1].value.end if entries else section.value.start + 1
        return _replace(text, at, at, (", " if entries else "") + shown({name: fields})[1:-1])
    column, last = _column(text, entries[0].key.start), entries[-1].value
    step = _column(text, last.parts[0].key.start) - column if last.block else None
    return _add_lines(text, last.end, column, _entry(name, fields, column, step))


def change(text: str, root: Span, path: Path, fields: Mapping[str, Any]) -> str:
    """Fields of an entry that is there given anew, or, where the value is None, deleted."""
    section = root.part(path[0])
    entry = section.value.part(path[1]) if section else None
    if entry is None:
        raise LookupError(path)
    if not entry.value.block:
        return _replace(text, entry.value.start, entry.value.end, _rewritten(text, entry.value, fields))
    new = [field for field in fields if fields[field] is not None and entry.value.part(field) is None]
    column = _column(text, entry.value.parts[0].key.start)
    text = _add_lines(
        text, entry.value.end, column, [f"{' ' * column}{field}: {shown(fields[field])}" for field in new]
    )
    # From the end on: what stands before keeps its place.
    for part in reversed(entry.value.parts):
        if part.name not in fields:
            continue
        if fields[part.name] is None:
            text = _without_lines(text, part, column + 1)
        else:
            # A mapping in lines of its own begins behind the colon here, and anything else where it stood.
            start = text.index(":", part.key.end) + 1 if part.value.block else part.value.start
            text = _replace(text, start, part.value.end, " " * part.value.block + shown(fields[part.name]))
    return text


def remove(text: str, root: Span, path: Path) -> str:
    """Without the entry, and the comments in it."""
    section = root.part(path[0])
    entry = section.value.part(path[1]) if section else None
    if section is None or entry is None:
        raise LookupError(path)
    parts = section.value.parts
    number = parts.index(entry)
    if not section.value.block:
        if len(parts) == 1:
            return _replace(text, section.value.start, section.value.end, "{}")
        if number + 1 < len(parts):
            return _replace(text, entry.key.start, parts[number + 1].key.start, "")
        return _replace(text, parts[number - 1].value.end, entry.value.end, "")
    text = _without_lines(text, entry, _column(text, entry.key.start) + 1)
    if len(parts) == 1:
        colon = text.index(":", section.key.end) + 1
        text = _replace(text, colon, colon, " {}")
    return text


def _entry(name: str, fields: Mapping[str, Any], column: int, step: int | None) -> list[str]:
    """Lines of an entry; step: by how much its fields are indented, None: all in one line."""
    if step is None:
        return [f"{' ' * column}{shown(name)}: {shown(fields)}"]
    inner = [f"{' ' * (column + step)}{field}: {shown(value)}" for field, value in fields.items()]
    return [f"{' ' * column}{shown(name)}:", *inner]


def _rewritten(text: str, entry: Span, fields: Mapping[str, Any]) -> str:
    """A mapping in brackets; values that stay are written as they were."""
    said = {part.name: text[part.value.start : part.value.end] for part in entry.parts}
    said.update((field, shown(value)) for field, value in fields.items() if value is not None)
    return (
        "{" + ", ".join(f"{shown(field)}: {said[field]}" for field in said if fields.get(field, "") is not None) + "}"
    )


def _replace(text: str, start: int, end: int, by: str) -> str:
    return text[:start] + by + text[end:]


def _column(text: str, place: int) -> int:
    return place - (text.rfind("\n", 0, place) + 1)


def _line_after(text: str, place: int) -> int:
    """Where the next line begins, or the end of the text."""
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def _end_of(text: str, place: int, column: int) -> int:
    """Where the lines end of what is written up to ``place``: comments that follow and are indented as much are its."""
    end = here = _line_after(text, place)
    while here < len(text):
        following = _line_after(text, here)
        line = text[here:following]
        if line.strip() and not (line.lstrip().startswith("#") and len(line) - len(line.lstrip(" ")) >= column):
            break
        here = following
        end = here if line.strip() else end
    return end


def _add_lines(text: str, place: int, column: int, lines: list[str]) -> str:
    """With lines more after what is written up to ``place``; column: that of its entries."""
    break_ = "\r\n" if "\r\n" in text else "\n"
    at = _end_of(text, place, column)
    before = "" if text[:at].endswith("\n") else break_
    return _replace(text, at, at, before + "".join(line + break_ for line in lines)) if lines else text


def _first_lines(text: str, section: Part, lines: list[str]) -> str:
    """With lines below a key instead of the empty mapping in brackets."""
    colon = text.index(":", section.key.end) + 1
    text = _replace(text, colon, section.value.end, "")
    # A comment may stand behind the key.
    at = _line_after(text, colon)
    break_ = "\r\n" if "\r\n" in text else "\n"
    before = "" if text[:at].endswith("\n") else break_
    return _replace(text, at, at, before + "".join(line + break_ for line in lines))


def _without_lines(text: str, part: Part, column: int) -> str:
    """Without the lines of an entry; column: comments after it that are indented so much are its."""
    start = part.key.start - _column(text, part.key.start)
    return _replace(text, start, _end_of(text, part.value.end, column), "")
