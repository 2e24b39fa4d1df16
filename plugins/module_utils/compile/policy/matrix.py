# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who may reach whom, as tables in Markdown that are as readable as plain text: for documents and for reviews."""

from __future__ import annotations

from collections.abc import Sequence

from ...intent.question import Question, Service, Table
from .answer import DENIED, VERDICTS, answers
from .explain import Explainer

# Most cells of a table are this, and what is not should stand out.
_DENIED = "·"


def matrix(asked: Table, explainer: Explainer) -> list[str]:
    """Lines: of each service a heading and a table, senders down and receivers across. Without an address of one family
    a cell is empty; where parts of peers differ, it says all that is true of some."""
    lines: list[str] = []
    for service in asked.services:
        lines += ["", *_table(service, asked.peers, explainer)] if lines else _table(service, asked.peers, explainer)
    return lines


def _table(service: Service, peers: Sequence[str], explainer: Explainer) -> list[str]:
    rows = [["from ↓ to →", *peers]]
    rows += [[one, *(_cell(Question(one, other, service), explainer) for other in peers)] for one in peers]
    widths = [max(len(row[column]) for row in rows) for column in range(len(peers) + 1)]
    rows.insert(1, ["-" * width for width in widths])
    padded = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows)
    return [f"{service}", "", *(f"| {line} |" for line in padded)]


def _cell(asked: Question, explainer: Explainer) -> str:
    found = {answer.verdict() for answer in answers(asked, explainer, None)}
    if found == {DENIED}:
        return _DENIED
    return ", ".join(verdict for verdict in VERDICTS if verdict in found)
