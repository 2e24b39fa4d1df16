# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sizes and heads of files: what keeps a file readable in one sitting."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

FILE_LINES = 250
FUNCTION_LINES = 40
MODULE_LINES = 80
PLAYBOOK_LINES = 40

HEAD = (
    "# Copyright: (c) 2026, the weft.overlay authors\n"
    "# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
)
# what ansible-doc reads from a module, besides its code
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}


def lines_of(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1  # type: ignore[attr-defined]


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring: explaining more is not a fault."""
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    return lines_of(node) - (lines_of(docstring) if docstring else 0)


def documentation_lines(tree: ast.Module) -> set[int]:
    """The numbers of the lines that the documentation strings of a module cover."""
    covered: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in DOCUMENTATION:
            covered.update(range(node.lineno, node.end_lineno + 1))  # type: ignore[operator]
    return covered


def test_no_file_is_longer_than_can_be_kept_in_mind(sources: list[Any]) -> None:
    counted = {source.path: source.text.count("\n") for source in sources}
    assert {path: lines for path, lines in counted.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen(sources: list[Any]) -> None:
    wrong = [
        source.at(node, f"{node.name} has {function_lines(node)} lines; at most {FUNCTION_LINES}")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and function_lines(node) > FUNCTION_LINES
    ]
    assert wrong == []


def test_modules_are_thin(plugins: list[Any]) -> None:
    thick = {}
    for source in plugins:
        if source.path.startswith("plugins/modules/"):
            documented = documentation_lines(source.tree)
            lines = enumerate(source.text.splitlines(), start=1)
            code = sum(1 for number, line in lines if line.strip() and number not in documented)
            thick.update({source.path: code} if code > MODULE_LINES else {})
    assert thick == {}


def test_playbooks_are_short(root: Path) -> None:
    counted = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in root.glob("playbooks/*.yml")}
    assert {name: lines for name, lines in counted.items() if lines > PLAYBOOK_LINES} == {}


def test_every_action_plugin_has_its_documentation(plugins: list[Any], root: Path) -> None:
    actions = [Path(source.path).stem for source in plugins if source.path.startswith("plugins/action/")]
    modules = {path.stem for path in root.glob("plugins/modules/*") if path.suffix in {".py", ".yml"}}
    assert [name for name in actions if name != "__init__" and name not in modules] == []


def test_packages_re_export_nothing(plugins: list[Any]) -> None:
    """An __init__.py that imports its room drags all of it into every module's payload."""
    assert [source.path for source in plugins if source.path.endswith("/__init__.py") and source.text] == []


def test_every_plugin_file_begins_with_the_licence(plugins: list[Any]) -> None:
    assert [source.path for source in plugins if source.text and not source.text.startswith(HEAD)] == []


def test_annotations_are_never_evaluated(plugins: list[Any]) -> None:
    """Hosts run Python 3.9, which cannot evaluate `int | None`."""
    wanted = "from __future__ import annotations\n"
    assert [source.path for source in plugins if source.text and wanted not in source.text] == []


def test_no_assert_in_plugins(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, "python -O removes assert; raise an error that says what is wrong")
        for source in plugins
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assert)
    ]
    assert wrong == []
