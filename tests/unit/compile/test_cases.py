# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every folder of cases/ is a claim about one compilation: a new claim is a new folder.

Given: domain.yaml; inventory.yml ({hubs: {name: variables}, runners: ...}, and routers, nas, peers); and where the
claim needs them facts.json (by host: Foreign's fields, tunnels, reached_at, capabilities, devices, keys, peers, shaken,
now; what is left out is as on an idle host), ledger.json and run.json (offline, allow_empty, new_keys). Expected:
expected/ with every file that the run leaves, notes.txt where it says something and keys_wanted.json where keys are
missing; or faults.txt, and then nothing is written.

WEFT_REGENERATE=1 writes what was found; read it with `git diff` before you believe it.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others
from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.facts import from_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import VXLAN
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import from_json
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Foreign
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Keys

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
# By the release that made them: never regenerated. What a file of version 1 meant then, it means now.
EARLIER = sorted((Path(__file__).parent / "earlier").glob("*/*"))
REGENERATE = "WEFT_REGENERATE" in os.environ


def load(path, absent):
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else absent


def facts_of(said):
    """A host's facts from the few that a case gives."""
    return from_data(
        {
            "capabilities": {"dummy": True, "firewall": "none", "docker": True, **said.get("capabilities", {})},
            "foreign": {name: said.get(name, []) for name in Foreign._fields},
            "tunnels": [{"kind": VXLAN, "mac": "", "port": 4789, **tunnel} for tunnel in said.get("tunnels", [])],
            "reached_at": said.get("reached_at"),
            **{name: said.get(name, []) for name in ("devices", "peers", "shaken")},
            "keys": {**Keys()._asdict(), **said.get("keys", {})},
            "now": said.get("now", 0),
        }
    )


def tree(folder):
    """{relative path: text} of everything below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in files}


def judge(case):
    """What the case should hold besides what it is given, from a run in the current folder."""
    given = {}
    for name in ("domain.yaml", "ledger.json"):
        if (case / name).exists():
            given[name] = (case / name).read_text(encoding="utf-8")
            Path(name).write_text(given[name], encoding="utf-8")
    inventory = load(case / "inventory.yml", {})
    members = Members(
        *(
            {host: values or {} for host, values in (inventory.get(group) or {}).items()}
            for group in ("hubs", "runners")
        ),
        others=Others(*(inventory.get(group) or () for group in Others._fields)),
    )
    facts = {host: facts_of(said) for host, said in load(case / "facts.json", {}).items()}
    mode = Mode(**{"resolve": False, **load(case / "run.json", {})})
    try:
        result = compile_project(Project("domain.yaml", "ledger.json", "build"), members, facts, mode)
    except IntentError as error:
        assert tree(Path()) == given, "something was written although there are faults"
        return {"faults.txt": f"{error}\n"}
    found = {f"expected/{path}": text for path, text in tree(Path()).items() if path != "domain.yaml"}
    if "expected/ledger.json" in found:
        found["expected/ledger.json"] = nameless(found["expected/ledger.json"])
    notes = "".join(f"{note}\n" for note in result.compiled.notes)
    wanted = {host: plain(keys) for host, keys in result.compiled.keys_wanted.items()}
    found.update({"expected/notes.txt": notes} if notes else {})
    found.update({"expected/keys_wanted.json": json.dumps(wanted, indent=1) + "\n"} if wanted else {})
    return found


def nameless(ledger):
    """A ledger without the name and the revision of its intent: it is another one each time that it is made up."""
    document = json.loads(ledger)
    assert document.pop("lineage")["revision"] > 0
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def plain(wanted):
    """What a host wants, without what it does not."""
    pairs = [sealing._asdict() for sealing in wanted.preshared]
    return {name: value for name, value in {**wanted._asdict(), "preshared": pairs}.items() if value}


def write(case, found):
    shutil.rmtree(case / "expected", ignore_errors=True)
    (case / "faults.txt").unlink(missing_ok=True)
    for name, text in found.items():
        (case / name).parent.mkdir(parents=True, exist_ok=True)
        (case / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = judge(case)
    if REGENERATE:
        write(case, found)
    expected = {name: text for name, text in tree(case).items() if name.startswith(("expected/", "faults.txt"))}
    assert expected, f"{case.name} expects nothing"
    assert found == expected


@pytest.mark.parametrize("case", EARLIER, ids=lambda case: f"{case.parent.name}:{case.name}")
def test_an_intent_that_an_earlier_release_has_read_keeps_its_meaning(case, tmp_path, monkeypatch):
    """Plans are compared as values: what came later is not in those of then."""
    monkeypatch.chdir(tmp_path)
    found, then = judge(case), tree(case)
    plans = {name: from_json(text) for name, text in then.items() if name.startswith("expected/build/plans/")}
    assert plans, f"{case.name} plans nothing"
    assert {name: from_json(text) for name, text in found.items() if "/plans/" in name} == plans
    assert found.get("expected/keys_wanted.json") == then.get("expected/keys_wanted.json")
    # More may be said about the same meaning.
    said, told = (side.get("expected/notes.txt", "").splitlines() for side in (found, then))
    assert set(told) <= set(said)
