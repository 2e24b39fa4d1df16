# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every folder of tenancy/cases/ is a claim about networks, namespaces, peers, policies and tests: a new claim is a new
folder.

expected.json has the values that a file means, expected.txt the faults of one that is refused, a line each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import Fault, IntentError

CASES = sorted(path for path in (Path(__file__).parent / "tenancy" / "cases").iterdir() if path.is_dir())


def plain(value):
    if isinstance(value, Fault):
        return str(value)
    if hasattr(value, "_asdict"):
        return {key: plain(inner) for key, inner in value._asdict().items()}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


def judge(case):
    """What expected.json or expected.txt should hold."""
    try:
        tenancy = parse_tenancy((case / "domain.yaml").read_bytes(), "domain.yaml")
    except IntentError as error:
        return "expected.txt", f"{error}\n"
    said = {key: part for key, part in plain(tenancy).items() if part}
    return "expected.json", json.dumps(said, indent=2) + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case):
    name, found = judge(case)
    expected = {path.name: path.read_text(encoding="utf-8") for path in case.glob("expected.*")}
    assert {name: found} == expected
