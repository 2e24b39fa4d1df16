# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the architecture tests look at: the tree's files, and the Python ones parsed."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]


class Source(NamedTuple):
    """One Python file: its path from the root, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str | None:
        """The folder below module_utils that it lies in; None outside of module_utils."""
        parts = Path(self.path).parts
        return parts[2] if parts[:2] == ("plugins", "module_utils") else None

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[str]:
    """Every file that git tracks, or would: what is not yet committed has to obey as well."""
    # A checkout that belongs to somebody else (a build machine's) is listed all the same.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


@pytest.fixture(scope="session")
def sources(files: list[str]) -> list[Source]:
    """Every Python file below plugins/ and lab/."""
    found = []
    for name in files:
        if name.endswith(".py") and name.startswith(("plugins/", "lab/")):
            text = (ROOT / name).read_text(encoding="utf-8")
            found.append(Source(name, text, ast.parse(text, name)))
    return found


@pytest.fixture(scope="session")
def plugins(sources: list[Source]) -> list[Source]:
    return [source for source in sources if source.path.startswith("plugins/")]
