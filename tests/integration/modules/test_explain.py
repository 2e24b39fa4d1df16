# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The explain door as Ansible opens it: the module, the filter and the playbook. Nobody is contacted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import to_json
from tests.unit.compile.policy.answers import DOMAIN, maps

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
    "ANSIBLE_NOCOLOR": "1",
    "LC_ALL": "C.UTF-8",
}
ALLOWED = "api (prod) → db (prod), TCP 5432: allowed by policies.db-in.ingress[0], and by policies.web-out.egress[0]"
REFUSED = (
    "laptop (prod) → api (prod), TCP 443: denied: "
    "no rule of api's ingress allows it (policies that select api: api-in), "
    "and no rule of laptop's egress allows it (no policy with egress selects laptop)"
)


def call(module: str, arguments: dict[str, Any], *options: str) -> dict[str, Any]:
    """What a module returned, whether it failed or not."""
    argv = [str(BIN / "ansible"), "localhost", "-i", "localhost,", "-c", "local", "-m", module]
    command = [*argv, "-a", json.dumps(arguments), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT)
    _before, _host, told = done.stdout.partition("localhost | ")
    answer: dict[str, Any] = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]
    return {**answer, "failed": told.startswith("FAILED")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The intent, and what was compiled from it."""
    found = tmp_path_factory.mktemp("explain")
    (found / "domain.yaml").write_text(DOMAIN, encoding="utf-8")
    (found / "build").mkdir()
    (found / "build" / "policy.json").write_text(to_json(maps()), encoding="utf-8")
    return found


def explain(folder: Path, *options: str, **said: Any) -> dict[str, Any]:
    given = {"build": f"{folder}/build", "intent": f"{folder}/domain.yaml", **said}
    return call("weft.overlay.explain", given, *options)


def test_the_module_answers_in_check_mode_as_well(folder: Path) -> None:
    asked = {"from": "api", "to": "db", "protocol": "TCP", "port": "5432"}
    for options in ((), ("--check",)):
        found = explain(folder, *options, **asked)
        assert not found["failed"], found
        assert not found["changed"]
        assert found["verdict"] == "allow"
        assert {answer["rule"] for answer in found["answers"]} == {"policies.db-in.ingress[0]"}
        assert found["lines"] == [ALLOWED]


def test_the_module_knows_the_ends_by_other_words_too(folder: Path) -> None:
    found = explain(folder, source="laptop", destination="api", protocol="TCP", port=443)
    assert found["lines"] == [REFUSED]
    assert [side["rule"] for side in found["answers"][0]["sides"]] == [None, None]


def test_the_module_asks_about_types_of_messages(folder: Path) -> None:
    found = explain(folder, **{"from": "198.51.100.7", "to": "db", "protocol": "ICMP", "type": 8})
    assert found["verdict"] == "allow"


def test_the_module_makes_tables(folder: Path) -> None:
    found = explain(folder, matrix=True, ports="TCP/5432,TCP/443", peers=["api", "db"])
    assert found["lines"] == [
        "TCP 5432",
        "",
        "| from ↓ to → | api | db    |",
        "| ----------- | --- | ----- |",
        "| api         | ·   | allow |",
        "| db          | ·   | ·     |",
        "",
        "TCP 443",
        "",
        "| from ↓ to → | api | db |",
        "| ----------- | --- | -- |",
        "| api         | ·   | ·  |",
        "| db          | ·   | ·  |",
    ]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            {"from": "apj", "to": "db", "protocol": "TCP", "port": 1},
            "from: apj is not below `peers`; did you mean api?",
        ),
        ({"from": "api", "to": "db", "port": 1}, "matrix is False but all of the following are missing: protocol"),
        ({"matrix": True}, "matrix is True but all of the following are missing: ports"),
        ({"matrix": True, "ports": "TCP/1", "from": "api"}, "parameters are mutually exclusive: ports|from"),
        ({"from": "api", "to": "db", "protocol": "TCP", "port": 1, "type": 8}, "are mutually exclusive: port|type"),
    ],
)
def test_the_module_refuses_what_is_no_question(folder: Path, said: dict[str, Any], message: str) -> None:
    found = explain(folder, **said)
    assert found["failed"]
    assert message in found["msg"]


def test_the_module_gives_each_fault_of_a_question_by_itself(folder: Path) -> None:
    found = explain(folder, **{"from": "apj", "to": "db", "protocol": "TCP", "port": 0})
    assert [fault["place"] for fault in found["faults"]] == ["port", "from"]


def filtered(folder: Path, expression: str) -> dict[str, Any]:
    """What `msg` is, with `maps` and `intent` at hand."""
    known = {
        "maps": f"{{{{ lookup('ansible.builtin.file', '{folder}/build/policy.json') }}}}",
        "intent": f"{{{{ lookup('ansible.builtin.file', '{folder}/domain.yaml') }}}}",
    }
    return call("ansible.builtin.debug", {"msg": f"{{{{ {expression} }}}}"}, "-e", json.dumps(known))


@pytest.mark.parametrize("read", ["maps", "maps | from_json"])
def test_the_filter_answers_as_the_module_does(folder: Path, read: str) -> None:
    found = filtered(folder, f"{read} | weft.overlay.explain('laptop', 'api', 'TCP', 443, intent=intent)")
    module = explain(folder, **{"from": "laptop", "to": "api", "protocol": "TCP", "port": 443})
    assert found["msg"] == {name: module[name] for name in ("verdict", "answers", "lines")}


def test_the_filter_asks_about_types_of_messages(folder: Path) -> None:
    found = filtered(folder, "(maps | weft.overlay.explain('198.51.100.7', 'db', 'ICMP', type=8)).verdict")
    assert found["msg"] == "allow"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("maps | weft.overlay.explain('apj', 'db', 'TCP', 5432)", "from: apj is not below `peers`; did you mean api?"),
        ("maps | weft.overlay.explain('api', 'db', 'TCP')", "port: is missing; a question about TCP needs it"),
        (
            "maps | weft.overlay.explain('api', 'db', 'TCP', 1, tipe=8)",
            "explain takes type and intent besides; got tipe",
        ),
        ("'[]' | weft.overlay.explain('api', 'db', 'TCP', 1)", "the policy is not a JSON object"),
    ],
)
def test_the_filter_fails_where_there_is_no_answer(folder: Path, expression: str, message: str) -> None:
    found = filtered(folder, expression)
    assert found["failed"]
    assert message in found["msg"]
