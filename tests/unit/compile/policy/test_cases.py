# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every folder of cases/ is a claim about one tenancy: a new claim is a new folder.

Given: domain.yaml (networks, namespaces, peers, policies, tests), and where the claim needs them places.json (peer →
addresses), runners.json (their subnets) and ledger.json. Expected: explained.txt, what the maps say of each test;
maps.json and remembered.json; of runners what they alone see and know; notes.txt where there is something to say. Or
faults.txt, and then nothing else.

WEFT_REGENERATE=1 writes what was found; read it with `git diff` before you believe it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy import ledger as policy_ledger
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.answer import Words, answers
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.expected import failing_tests
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.explain import Explainer
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.permissions import Permissions
from ansible_collections.weft.overlay.plugins.module_utils.intent.question import Question, Service
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import to_json

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
GIVEN = ("domain.yaml", "places.json", "runners.json", "ledger.json")
REGENERATE = "WEFT_REGENERATE" in os.environ


def judge(case):
    """What the case should hold besides what it is given."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in case.iterdir() if path.name in GIVEN}
    tenancy = parse_tenancy(texts["domain.yaml"], "domain.yaml")
    places = {name: tuple(found) for name, found in json.loads(texts.get("places.json", "{}")).items()}
    ledger = policy_ledger.EMPTY
    if "ledger.json" in texts:
        ledger = policy_ledger.from_document(json.loads(texts["ledger.json"]))
    runners = {name: tuple(found) for name, found in json.loads(texts.get("runners.json", "{}")).items()}
    compiled = compile_policy(tenancy, places, ledger, (), runners)
    faults = compiled.faults or failing_tests(compiled.maps, tenancy)
    if faults:
        return {"faults.txt": "".join(f"{fault}\n" for fault in faults)}
    found = {
        "explained.txt": explained(compiled.maps, tenancy),
        "maps.json": to_json(compiled.maps),
        "remembered.json": json.dumps(policy_ledger.document(compiled.ledger), sort_keys=True) + "\n",
    }
    for runner, own in compiled.runners.items():
        lines = (*own.maps.destinations, *own.maps.speakers, *own.labelled)
        found[f"{runner}.json"] = "".join(f"{json.dumps(line)}\n" for line in lines)
    if compiled.notes:
        found["notes.txt"] = "".join(f"{note}\n" for note in compiled.notes)
    return found


def explained(maps, tenancy):
    explainer, permissions, words = Explainer(maps), Permissions(tenancy, maps), Words(maps)
    lines = []
    for test in tenancy.tests:
        asked = Question(test.source, test.destination, Service(test.protocol, test.port))
        lines += words.lines(asked, answers(asked, explainer, permissions))
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_case(case):
    found = judge(case)
    if REGENERATE:
        for path in case.iterdir():
            if path.name not in GIVEN:
                path.unlink()
        for name, text in found.items():
            (case / name).write_text(text, encoding="utf-8")
    kept = {path.name: path.read_text(encoding="utf-8") for path in case.iterdir() if path.name not in GIVEN}
    assert found == kept
