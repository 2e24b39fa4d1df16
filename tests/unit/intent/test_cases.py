# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every folder of cases/ is a claim about one domain.yaml: a new claim is a new folder.

expected.json has the values that it means; expected.txt has the faults, a line each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import Fault, IntentError

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


# Left out of expected.json where a file says nothing of them.
TENANCY = {"networks", "namespaces", "peers", "policies", "tests"}
SILENT = {"carrier", "servers", "interfaces", "profiles", "bindings", "clients", "store", "notes", *TENANCY}


def plain(value):
    if isinstance(value, Fault):
        return str(value)
    if hasattr(value, "_asdict"):
        return {key: plain(inner) for key, inner in value._asdict().items() if inner or key not in SILENT}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, tuple) else value


def judge(case):
    """What expected.json or expected.txt should hold."""
    try:
        intent = parse((case / "domain.yaml").read_bytes(), "domain.yaml")
    except IntentError as error:
        return "expected.txt", f"{error}\n"
    return "expected.json", json.dumps(plain(intent), indent=2) + "\n"


def check(case):
    name, found = judge(case)
    expected = {path.name: path.read_text(encoding="utf-8") for path in case.glob("expected.*")}
    assert {name: found} == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case):
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_where_pyyaml_has_no_libyaml(case, monkeypatch):
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    check(case)
