# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rooms below plugins/module_utils, the arrows between them, and what each may know of the world outside."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# room → the rooms it may import; every room may import itself
ARROWS = {
    "model": set(),
    "intent": {"model"},
    "compile": {"model", "intent"},
    "diff": {"model"},
    "kernel": {"model"},
    "measure": {"model"},
    "converge": {"model", "diff", "kernel"},
    "edge": {"model", "intent", "compile", "diff", "kernel", "measure", "converge"},
}

# These also run on hosts, from the Python their distribution has: nothing but the standard library.
HOST_ROOMS = {"model", "diff", "kernel", "measure", "converge", "edge"}

# What cannot reach a file, a clock, a process, a network or chance.
HARMLESS = {
    *("__future__", "abc", "base64", "bisect", "collections", "copy", "enum", "functools", "hashlib", "heapq"),
    *("ipaddress", "itertools", "json", "math", "operator", "re", "string", "struct", "textwrap", "types", "typing"),
    *("dataclasses", "difflib", "zlib"),
}
# A pure room may use these; yaml only reads text it is given (document.py keeps to its safe constructors).
PURE = {
    # dataclasses and difflib take longer to import than the rest of a host's run of these rooms
    "model": HARMLESS - {"dataclasses", "difflib"},
    "diff": HARMLESS - {"dataclasses", "difflib"},
    "intent": HARMLESS | {"yaml"},
    "compile": HARMLESS,
    # html only replaces characters
    "measure": (HARMLESS - {"dataclasses", "difflib"}) | {"html"},
}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}


def imports(tree: ast.Module) -> Iterator[tuple[ast.AST, int, list[str]]]:
    """(node, level, dotted names) of every import, also below functions and TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield node, 0, [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            # `from .. import model` names the room only in the alias
            yield node, node.level, [module] if module else [alias.name for alias in node.names]


def room_of(importer: str, level: int, name: str) -> str | None:
    """The room that a relative import leads to; None where it leads out of module_utils."""
    folder = Path(importer).parent
    for _step in range(level - 1):
        folder = folder.parent
    parts = (folder / name.replace(".", "/")).parts
    return parts[2] if parts[:2] == ("plugins", "module_utils") and len(parts) > 2 else None


def outside(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """(node, top-level package) of every import that is not relative."""
    for node, level, names in imports(tree):
        if level == 0:
            for name in names:
                yield node, name.split(".")[0]


def test_every_file_of_module_utils_lies_in_a_known_room(plugins: list[Any]) -> None:
    known = {*ARROWS, "__init__.py"}
    assert [source.path for source in plugins if source.room and source.room not in known] == []


def test_rooms_import_only_along_the_arrows(plugins: list[Any]) -> None:
    wrong = []
    for source in plugins:
        if source.room not in ARROWS:
            continue
        for node, level, names in imports(source.tree):
            for name in names if level else []:
                room = room_of(source.path, level, name)
                if room != source.room and room not in ARROWS[source.room]:
                    wrong.append(source.at(node, f"{source.room} may not import {room or 'from outside the rooms'}"))
    assert wrong == []


def test_rooms_import_each_other_relatively(plugins: list[Any]) -> None:
    """The same tree is installed on hosts as a package of its own, where ansible_collections does not exist."""
    wrong = [
        source.at(node, "between rooms, import relatively")
        for source in plugins
        if source.room
        for node, package in outside(source.tree)
        if package == "ansible_collections"
    ]
    assert wrong == []


def test_pure_rooms_import_nothing_that_does_input_or_output(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, f"{package} is not on the list of the pure room {source.room}")
        for source in plugins
        if source.room in PURE
        for node, package in outside(source.tree)
        if package not in PURE[source.room]
    ]
    assert wrong == []


def test_pure_rooms_call_nothing_that_does_input_or_output(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, f"{node.func.id}() in the pure room {source.room}")
        for source in plugins
        if source.room in PURE
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS
    ]
    assert wrong == []


def test_host_rooms_need_the_standard_library_only(plugins: list[Any]) -> None:
    wrong = []
    for source in plugins:
        if source.room not in HOST_ROOMS:
            continue
        # edge is the one room that meets Ansible
        allowed = {*sys.stdlib_module_names, *(["ansible"] if source.room == "edge" else [])}
        wrong += [
            source.at(node, f"{source.room} runs on hosts and may not need {package}")
            for node, package in outside(source.tree)
            if package not in allowed
        ]
    assert wrong == []


def test_only_the_edge_meets_ansible(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, f"the room {source.room} may not import ansible")
        for source in plugins
        if source.room and source.room != "edge"
        for node, package in outside(source.tree)
        if package == "ansible"
    ]
    assert wrong == []


def test_ansible_module_is_named_only_in_modules_and_edge(plugins: list[Any]) -> None:
    wrong = []
    for source in plugins:
        if source.room == "edge" or source.path.startswith("plugins/modules/"):
            continue
        for node in ast.walk(source.tree):
            names = {getattr(node, "id", None), getattr(node, "attr", None)}
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= {alias.name for alias in node.names}
            if "AnsibleModule" in names:
                wrong.append(source.at(node, "AnsibleModule is for plugins/modules and edge"))
    assert wrong == []


def test_pyroute2_is_named_only_in_kernel(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, "pyroute2 is for the kernel room")
        for source in plugins
        if source.room != "kernel"
        for node, package in outside(source.tree)
        if package == "pyroute2"
    ]
    assert wrong == []


def test_matplotlib_is_named_only_where_plots_are_drawn(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, "matplotlib is for plugins/plugin_utils/plots.py")
        for source in plugins
        if source.path != "plugins/plugin_utils/plots.py"
        for node, package in outside(source.tree)
        if package == "matplotlib"
    ]
    assert wrong == []


def test_what_only_the_controller_has_is_not_carried_to_hosts(plugins: list[Any]) -> None:
    wrong = [
        source.at(node, "plugin_utils stays on the controller: for action plugins only")
        for source in plugins
        if source.room or source.path.startswith("plugins/modules/")
        for node, _level, names in imports(source.tree)
        if any("plugin_utils" in name for name in names)
    ]
    assert wrong == []
