# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""docs/faults.md: what is tried of all that goes wrong, what became of it, and which tests say so.

What is told of a fault stands in faults.yml. The tests say by a mark which faults they prove, and are found by reading
their sources, not by running them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
MARK = "fault"
_CASES = Path("tests/unit")
_HEAD = """\
# Faults that were tried, and what became of them

Each has a number, and tests that carry it: `@pytest.mark.fault("F04")`. Those below `tests/` need no lab, those below
`molecule/` are tried on hosts; [CONTRIBUTING.md](../CONTRIBUTING.md#tests) says how each is run. This page is written
by `make docs` from `docs/faults.yml` and from the sources of the tests.
"""


class Fault(NamedTuple):
    """group: the heading it stands under. cases: golden folders, from ROOT. open: what is not there yet, and why."""

    number: str
    group: str
    fault: str
    outcome: str
    cases: tuple[str, ...]
    open: str


def faults() -> list[Fault]:
    document = yaml.safe_load((ROOT / "docs" / "faults.yml").read_text(encoding="utf-8"))
    return [
        Fault(
            number,
            group,
            said["fault"],
            said["outcome"],
            tuple(str(_CASES / case) for case in said.get("cases", ())),
            said.get("open", ""),
        )
        for group, members in document.items()
        for number, said in members.items()
    ]


def carried() -> dict[str, list[str]]:
    """By number: the tests that carry it, `path::name`."""
    found: dict[str, list[str]] = {}
    for folder in ("tests", "molecule"):
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            text = path.read_text(encoding="utf-8")
            # To parse them all takes seconds.
            for name, numbers in marks(ast.parse(text)) if f"mark.{MARK}(" in text else ():
                for number in numbers:
                    found.setdefault(number, []).append(f"{path.relative_to(ROOT)}::{name}")
    return found


def marks(tree: ast.Module, within: str = "") -> Iterator[tuple[str, list[str]]]:
    """(name of a test, the numbers that it carries), of the tests of a source and of the classes in it."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from marks(ast.Module(node.body, []), f"{node.name}::")
        elif isinstance(node, ast.FunctionDef):
            numbers = [number for decorator in node.decorator_list for number in _numbers(decorator)]
            if numbers:
                yield f"{within}{node.name}", numbers


def _numbers(decorator: ast.expr) -> list[str]:
    """Raises ValueError for a mark of ours with anything but texts."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != f"pytest.mark.{MARK}":
        return []
    return [str(ast.literal_eval(argument)) for argument in decorator.args]


def page() -> str:
    tests = carried()
    lines = [_HEAD]
    group = ""
    for fault in faults():
        if fault.group != group:
            group = fault.group
            lines.append(
                f"\n## {group}\n\n| | what goes wrong | what becomes of it | shown by |\n| --- | --- | --- | --- |\n"
            )
        shown = [f"`{name}`" for name in (*tests.get(fault.number, ()), *(f"{case}/" for case in fault.cases))]
        outcome = fault.outcome + (f". **Not yet**: {fault.open}" if fault.open else "")
        cells = (fault.number, fault.fault, outcome, "<br>".join(shown))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(lines)
