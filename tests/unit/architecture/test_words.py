# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What no file of the project may say: where it was written, with what, and which package host it came from.

The words are put together here, so that this file does not say them either.
"""

from __future__ import annotations

import re
from pathlib import Path

MACHINE_PATHS = [
    "/".join(parts)
    for parts in [
        ("", "work", ""),
        ("", "tmp", "venv"),
        ("", "tmp", "weft", ""),
        ("", "tmp", "probe"),
        ("", "root", r"\.pyenv"),
        ("", "opt", "pypi"),
        ("", "opt", "wheels"),
        ("", "home", "[a-z]+", ""),
        (r"\.\.", "shared", ""),
    ]
]
PACKAGE_HOSTS = [
    r"\.".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("galaxy", "ansible", "com"),
        ("registry-1", "docker", "io"),
        ("hub", "docker", "com"),
        ("quay", "io"),
        ("ghcr", "io"),
        ("proxy", "golang", "org"),
    ]
]
WORKSHOP = [
    rf"\b{''.join(parts)}\b"
    for parts in [
        ("clau", "de"),
        ("anthro", "pic"),
        ("chat", "gpt"),
        ("open", "ai"),
        ("copi", "lot"),
        ("language ", "model"),
        ("ai[- ]", "generated"),
        ("ai ", "assistant"),
        ("sub", "agents?"),
        (r"issue #?", r"\d+"),
        ("DEV", r"TOOLS\.md"),
        ("MEASU", r"RED\.md"),
        ("(?-i:FAU", r"LTS\.md)"),  # docs/faults.md is ours
        ("CONT", r"RACT\.md"),
    ]
]
FORBIDDEN = re.compile("|".join(MACHINE_PATHS + PACKAGE_HOSTS + WORKSHOP), re.IGNORECASE)


def test_no_file_says_where_or_how_it_was_made(files: list[str], root: Path) -> None:
    found = []
    for name in files:
        text = (root / name).read_bytes().decode("utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            match = FORBIDDEN.search(line)
            if match:
                found.append(f"{name}:{number}: {match.group()}")
    assert found == []


def test_the_words_are_found_where_they_stand() -> None:
    """A list of words that matches nothing would pass for ever."""
    assert FORBIDDEN.search("cd /" + "work/main")
    assert FORBIDDEN.search("https://" + "pypi" + ".org/simple")
    assert FORBIDDEN.search("as FAU" + "LTS.md says")
    assert FORBIDDEN.search("as docs/faults.md says") is None
    assert FORBIDDEN.search("apt-get install docker.io") is None
