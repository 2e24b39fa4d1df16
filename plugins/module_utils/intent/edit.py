# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes to the clients of a domain's text: comments, order and every line that is not meant stay as they are.

What comes out is read again before it is given back, and says exactly what the file said before, and the change.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ..model.errors import Fault, IntentError
from . import document, span, splice
from .client import VPN_CLIENT
from .domain import DOMAIN, Intent, parse
from .node import Entry, Node, Report, Scalar, below, from_plain
from .node import Mapping as MappingNode

# A client's fields, as they would be written: texts, numbers, booleans, and mappings of these.
Fields = Mapping[str, Any]

_KEY = "clients"


def add_client(text: str, name: str, fields: Fields, file: str = "domain.yaml") -> str:
    """The text with one client more, after the others. Raises IntentError, also where there is one of that name."""
    given = {field: value for field, value in _plain(fields).items() if value is not None}
    ordered = {field: given[field] for field in sorted(given, key=_rank)}
    edit = _Edit(text, file)
    place = edit.place(name)
    if place is not None:
        edit.refuse(place, name, "is a client already; change that one, or choose another name")
    wanted = edit.wanted(name, ordered)
    return edit.checked(splice.insert(edit.text, edit.spans, (_KEY, name), ordered), name, wanted)


def change_client(text: str, name: str, fields: Fields, file: str = "domain.yaml") -> str:
    """The text with some fields of a client given anew; None deletes one. Raises IntentError, also where there is no
    such client."""
    edit = _Edit(text, file)
    edit.known(name)
    changes = _plain(fields)
    before = edit.intent.clients[name]._asdict()
    said = edit.fields_of(name)
    kept = {field: node for field, node in said.items() if field not in changes}
    given = {field: value for field, value in changes.items() if value is not None}
    wanted = edit.wanted(name, {**kept, **given})
    after = wanted.clients[name]._asdict()
    changed = {
        field: value
        for field, value in changes.items()
        if (field in said) != (value is not None) or (field in said and before[field] != after[field])
    }
    return edit.checked(splice.change(edit.text, edit.spans, (_KEY, name), changed), name, wanted)


def remove_client(text: str, name: str, file: str = "domain.yaml") -> str:
    """The text without a client. Comments above it stay. Raises IntentError, also where there is no such client."""
    edit = _Edit(text, file)
    edit.known(name)
    wanted = edit.wanted(name, None)
    return edit.checked(splice.remove(edit.text, edit.spans, (_KEY, name)), name, wanted)


def _rank(field: str) -> int:
    """Where the description has a field; those it has not come last, to be refused."""
    known = list(VPN_CLIENT.fields)
    return known.index(field) if field in known else len(known)


def _plain(fields: Fields) -> dict[str, Any]:
    """The same with texts for keys: a label's may have been given as a number. Inside of a field, None is nothing."""
    return {
        str(key): {k: v for k, v in _plain(value).items() if v is not None} if isinstance(value, Mapping) else value
        for key, value in fields.items()
    }


class _Edit:
    """A text that is read, with what is needed to say where in it something is wrong."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.intent = parse(text, file)
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self.text = text[len(self._mark) :]
        self.spans = span.of(self.text)
        self._root = document.read(self.text, Report(file))

    def _clients(self) -> MappingNode:
        found = self._root.get(_KEY) if isinstance(self._root, MappingNode) else None
        return found if isinstance(found, MappingNode) else MappingNode(1, ())

    def place(self, name: str) -> int | None:
        """The line of a client; None: there is none of that name."""
        found = self._clients().get(name)
        return None if found is None else found.line

    def known(self, name: str) -> None:
        if name not in self.intent.clients:
            near = difflib.get_close_matches(name, self.intent.clients, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.refuse(self._clients().line, name, f"is no client{hint}")

    def refuse(self, line: int, name: str, message: str) -> None:
        raise IntentError((Fault(f"{self.file}:{line}", below(_KEY, name), message),))

    def fields_of(self, name: str) -> dict[str, Node]:
        found = self._clients().get(name)
        return {entry.key.text: entry.value for entry in found.entries} if isinstance(found, MappingNode) else {}

    def wanted(self, name: str, fields: Mapping[str, Any] | None) -> Intent:
        """What the file should say afterwards, from what it says now; None: without that client. Raises IntentError
        where that may not be. Values of fields may be nodes, which stand as they are."""
        clients = self._clients()
        entries = [entry for entry in clients.entries if entry.key.text != name]
        line = self.place(name) or clients.line
        if fields is not None:
            own = tuple(Entry(Scalar(line, field, plain=False), _node(value, line)) for field, value in fields.items())
            entries.append(Entry(Scalar(line, name, plain=False), MappingNode(line, own)))
        root = self._root if isinstance(self._root, MappingNode) else MappingNode(1, ())
        others = tuple(entry for entry in root.entries if entry.key.text != _KEY)
        report = Report(self.file)
        whole = MappingNode(root.line, (*others, Entry(Scalar(line, _KEY), MappingNode(clients.line, tuple(entries)))))
        intent = DOMAIN.read(whole, "", report)
        if intent is None or report.faults():
            raise IntentError(report.faults())
        return intent

    def checked(self, text: str, name: str, wanted: Intent) -> str:
        """The new text, if it says what is wanted; there are ways to write YAML that nobody here thought of."""
        try:
            found = parse(self._mark + text, self.file)._replace(notes=())
        except IntentError:
            found = None
        if found != wanted:
            message = "is written in a way that cannot be changed from here; change it by hand"
            self.refuse(self.place(name) or self._clients().line, name, message)
        return self._mark + text


def _node(value: Any, line: int) -> Node:
    return value if isinstance(value, (Scalar, MappingNode)) else from_plain(value, line)
