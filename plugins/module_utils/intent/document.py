# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""YAML text → nodes, strictly.

Built from the parser's events, which construct nothing and resolve nothing: no object, no number, no alias. Every value
is therefore as large as the text that was written, and a file cannot grow while it is read.
"""

from __future__ import annotations

import re
from typing import Any

try:
    import yaml  # type: ignore[import-untyped,unused-ignore]  # its stubs are not everywhere that mypy runs
except ImportError:  # hosts carry this room but never read an intent; the controller has PyYAML, Ansible needs it
    yaml = None  # type: ignore[assignment,unused-ignore]

from ..model.errors import WeftError
from .node import Entry, Mapping, Node, Report, Scalar, Sequence, Unreadable, below

# Deeper than any intent, and far from what a parser's tables mind.
MAX_DEPTH = 32
# Besides control characters: what YAML 1.1 takes for a line break and editors do not (so that lines would be counted
# differently), and what makes a reviewer see another text than the parser does (bidirectional overrides).
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]|\r(?!\n)"
)


def read(source: str | bytes, report: Report) -> Node | None:
    """The one document in ``source``. Faults go to ``report``; None: nothing can be said about the rest of the file."""
    if yaml is None:
        raise WeftError("reading an intent needs PyYAML, which this Python does not have")
    text = _decoded(source, report)
    if text is None:
        return None
    builder = _Builder(report)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if not builder.take(event):
                return builder.root
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The two last ones: PyYAML's own scanner lets chr() and int() complain about absurd escapes and versions.
        report.add(*_syntax(text, error))
        return None
    root = builder.root
    if root is None or (isinstance(root, Scalar) and root.is_null()):
        report.add(1, "", "the file is empty; the smallest domain is `version: 1`")
        return None
    return root


def _decoded(source: str | bytes, report: Report) -> str | None:
    try:
        text = source if isinstance(source, str) else source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        report.add(line, "", f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8")
        return None
    text = text.removeprefix("\ufeff")
    found = _FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        report.add(line, "", f"the character U+{ord(found.group()[0]):04X} has no place here; delete it")
        return None
    return text


def _syntax(text: str, error: Exception) -> tuple[int, str, str]:
    """Line, path and message of a syntax error, in the words of PyYAML's own parser, so that they are the same
    on machines with and without libyaml."""
    try:
        for _event in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except (yaml.YAMLError, ValueError, OverflowError) as same:
        error = same
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "'\\t'" in problem:
        problem = "a tab; YAML is indented with spaces only"
    start = getattr(error, "context_mark", None)
    context = getattr(error, "context", None)
    if context and start is not None and mark is not None and start.line != mark.line:
        problem = f"{problem} ({context} that began in line {start.line + 1})"
    return (mark.line + 1 if mark is not None else 1), "", f"not YAML: {problem}"


class _Open:
    """A list or mapping whose end has not come yet. ``key`` is the one that waits for its value."""

    def __init__(self, line: int, path: str, is_mapping: bool) -> None:
        self.line = line
        self.path = path
        self.is_mapping = is_mapping
        self.items: list[Node] = []
        self.entries: list[Entry] = []
        self.first_line: dict[str, int] = {}
        self.key: Node | None = None

    def closed(self) -> Node:
        return Mapping(self.line, tuple(self.entries)) if self.is_mapping else Sequence(self.line, tuple(self.items))


class _Builder:
    """Events, one by one → the tree. Not recursive, and with a bound on the depth."""

    def __init__(self, report: Report) -> None:
        self.root: Node | None = None
        self._report = report
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Any) -> bool:
        """False: the document cannot be read any further."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            return self._start_document(event, line)
        if isinstance(event, yaml.AliasEvent):
            self._fault(line, f"an alias (*{event.anchor}); aliases are not read here, write the value itself")
            self._attach(Unreadable(self._line(line)))
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_properties(event, line)
            self._attach(Scalar(self._line(line), event.value, plain=not event.style))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_properties(event, line)
            if len(self._open) == MAX_DEPTH:
                self._fault(line, f"more than {MAX_DEPTH} levels deep")
                return False
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            self._open.append(_Open(self._line(line), self._path(), is_mapping))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._attach(self._open.pop().closed())
        return True

    def _start_document(self, event: Any, line: int) -> bool:
        self._documents += 1
        if event.version or event.tags:
            self._report.add(line, "", "a % directive; delete it, none is read here")
        if self._documents > 1:
            self._report.add(line, "", "a second document begins here; a domain is one document")
        return self._documents == 1

    def _refuse_properties(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._fault(line, f"an anchor (&{event.anchor}); anchors are not read here, delete it")
        if event.tag is not None:
            self._fault(line, "a tag (!…); a field's type is known from its name, delete the tag")

    def _attach(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        if not top.is_mapping:
            top.items.append(node)
        elif top.key is None:
            top.key = self._checked_key(node, top)
        else:
            if isinstance(top.key, Scalar):
                top.entries.append(Entry(top.key, node))
            top.key = None

    def _checked_key(self, node: Node, top: _Open) -> Node:
        """The key, or Unreadable: its value is read for syntax, and dropped."""
        if not isinstance(node, Scalar):
            if not isinstance(node, Unreadable):
                self._report.add(node.line, top.path, "a list or a mapping as a key; a key is one word")
        elif node.is_null():
            self._report.add(node.line, top.path, "an empty key")
        elif node.plain and node.text == "<<":
            self._report.add(node.line, top.path, "a merge key (<<), which is not read here; write the fields out")
        elif node.text in top.first_line:
            first = top.first_line[node.text]
            self._report.add(node.line, below(top.path, node.text), f"given twice, first in line {first}; keep one")
        else:
            top.first_line[node.text] = node.line
            return node
        return Unreadable(node.line)

    def _line(self, line: int) -> int:
        """The line that a node which starts in ``line`` is known by: its key's, if it has one."""
        key = self._open[-1].key if self._open else None
        return line if key is None else key.line

    def _path(self) -> str:
        if not self._open:
            return ""
        top = self._open[-1]
        if not top.is_mapping:
            return f"{top.path}[{len(top.items)}]"
        return below(top.path, top.key.text) if isinstance(top.key, Scalar) else top.path

    def _fault(self, line: int, message: str) -> None:
        self._report.add(line, self._path(), message)
