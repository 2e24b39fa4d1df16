# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the parts of a file stand in its text, for changing one and leaving every other character as it is."""

from __future__ import annotations

from typing import Any, NamedTuple

try:
    import yaml  # type: ignore[import-untyped,unused-ignore]  # its stubs are not everywhere that mypy runs
except ImportError:  # as in document.py, without which nothing comes here
    yaml = None  # type: ignore[assignment,unused-ignore]


class Span(NamedTuple):
    """The characters [start, end) of a value. end: of what is written, without what only follows it.

    block: a collection without brackets, whose entries have lines of their own. parts: the entries of a mapping.
    """

    start: int
    end: int
    block: bool
    parts: tuple[Part, ...]

    def part(self, name: str) -> Part | None:
        """The entry of that name; None: there is none."""
        return next((part for part in self.parts if part.name == name), None)


class Part(NamedTuple):
    """One entry of a mapping: its name, where its key stands, and its value."""

    name: str
    key: Span
    value: Span


def of(text: str) -> Span:
    """The spans of a text that document.read() takes without faults."""
    # The loader in C counts bytes of some texts; this one counts characters.
    return _span(text, yaml.compose(text, Loader=yaml.SafeLoader))


def _span(text: str, node: Any) -> Span:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        # A block of text ends where the next thing begins.
        return Span(start, start + len(text[start:end].rstrip()), False, ())
    parts: tuple[Part, ...] = ()
    if isinstance(node, yaml.MappingNode):
        parts = tuple(Part(key.value, _span(text, key), _span(text, value)) for key, value in node.value)
        last = parts[-1].value.end if parts else end
    else:
        last = max((_span(text, item).end for item in node.value), default=end)
    return Span(start, end if node.flow_style else last, not node.flow_style, parts)
