# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The explain door answers from files that belong together, and from no others."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.explain import (
    explained,
    known,
    policy_path,
    read_known,
    tabled,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError, PlanError, QuestionError
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import to_json
from tests.unit.compile.policy.answers import DOMAIN, maps

TEXT = to_json(maps())
AGAIN = "compile it again: ansible-playbook weft.overlay.plan -e offline=true"


def asked(source, destination, port, **more):
    return {"from": source, "to": destination, "protocol": "TCP", "port": port, "type": None, **more}


@pytest.fixture
def project(tmp_path):
    """(build folder, intent)."""
    (tmp_path / "domain.yaml").write_text(DOMAIN, encoding="utf-8")
    (tmp_path / "policy.json").write_text(TEXT, encoding="utf-8")
    return str(tmp_path), str(tmp_path / "domain.yaml")


def test_an_answer_has_the_rule_the_identities_and_where_they_were_found(project):
    found = explained(read_known(*project), asked("api", "db", 5432))
    assert found["verdict"] == "allow"
    number = {identity.name: identity.number for identity in maps().identities}
    sides = [
        {"direction": "ingress", "peer": "db", "policies": ["db-in", "db-more"], "rule": "policies.db-in.ingress[0]"},
        {"direction": "egress", "peer": "api", "policies": ["web-out"], "rule": "policies.web-out.egress[0]"},
    ]
    assert found["answers"] == [
        {
            "verdict": "allow",
            "rule": "policies.db-in.ingress[0]",
            "reason": None,
            "says": None,
            "from": {"identity": number["api"], "name": "api", "network": "prod", "prefix": "10.20.0.2/32"},
            "to": {"identity": number["db"], "name": "db", "network": "prod", "prefix": prefix},
            "sides": sides,
        }
        for prefix in ("10.20.8.0/24", "10.20.8.0/28")
    ]
    assert found["lines"] == [
        "api (prod) → db (prod), TCP 5432: allowed by policies.db-in.ingress[0], and by policies.web-out.egress[0]"
    ]


@pytest.mark.parametrize(
    ("source", "destination", "port", "verdict", "reasons"),
    [
        ("web", "db", 5432, "deny", {"RULE"}),
        ("laptop", "db", 5432, "deny", {"NO_RULE"}),
        ("runner", "api", 443, "deny", {"NETWORK"}),
        ("runner", "cache", 1, "observed", {"NO_RULE"}),
        ("batch", "db", 5432, "mixed", {"NO_RULE", None}),
        ("six", "db", 1, "none", set()),
        ("192.0.2.1", "198.51.100.1", 1, "allow", {None}),
    ],
)
def test_the_verdict_is_that_of_all_answers(project, source, destination, port, verdict, reasons):
    found = explained(read_known(*project), asked(source, destination, port))
    assert found["verdict"] == verdict
    assert {answer["reason"] for answer in found["answers"]} == reasons


def test_who_is_no_peer_is_of_no_network_that_could_be_named(project):
    (found,) = explained(read_known(*project), asked("192.0.2.1", "api", 443))["answers"]
    assert found["from"] == {"identity": 1, "name": "world", "network": None, "prefix": None}


def test_maps_alone_answer_without_sides(project):
    (found,) = explained(read_known(project[0], None), asked("laptop", "api", 443))["answers"]
    assert (found["verdict"], found["reason"], found["sides"]) == ("deny", "NO_RULE", [])


def test_maps_may_be_text_or_what_a_reader_of_json_makes_of_it():
    expected = explained(known(maps(), DOMAIN, "domain.yaml"), asked("api", "db", 5432))
    assert explained(known(TEXT, DOMAIN, "domain.yaml"), asked("api", "db", 5432)) == expected
    assert explained(known(json.loads(TEXT), DOMAIN.encode(), "domain.yaml"), asked("api", "db", 5432)) == expected


def test_a_question_about_nobody_names_who_may_be_meant(project):
    with pytest.raises(QuestionError) as error:
        explained(read_known(*project), asked("apj", "xyzzy", 5432))
    assert [fault.place for fault in error.value.faults] == ["from", "to"]
    assert "did you mean api?" in str(error.value)
    assert "known there: api, batch, cache, db, laptop, relic, runner, six, web" in str(error.value)


def test_without_maps_it_says_how_they_come_to_be(tmp_path):
    with pytest.raises(PlanError) as error:
        read_known(str(tmp_path), None)
    assert str(error.value) == (
        f"{policy_path(str(tmp_path))} is not there: the intent has no networks, or was not compiled; {AGAIN}"
    )


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"version": 99}'])
def test_damaged_maps_are_refused(tmp_path, text):
    (tmp_path / "policy.json").write_bytes(text)
    with pytest.raises(PlanError) as error:
        read_known(str(tmp_path), None)
    assert str(error.value).startswith(f"{tmp_path}/policy.json: cannot be read (")
    assert str(error.value).endswith(AGAIN)


def test_an_intent_that_is_wrong_is_told_as_everywhere():
    with pytest.raises(IntentError) as error:
        known(TEXT, DOMAIN.replace("db-in", "db in"), "domain.yaml")
    assert str(error.value).startswith("domain.yaml:")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("db-more", "db-moor"),
        ("  laptop: {", "  lapdog: {"),
        # The names are the same, what they mean is not: only the answer shows that.
        ("labels: {app: web}", "labels: {app: wep}"),
        ("port: 443}]", "port: 444}]"),
    ],
)
def test_maps_of_another_intent_are_refused(one, other):
    assert one in DOMAIN
    with pytest.raises(PlanError) as error:
        explained(known(TEXT, DOMAIN.replace(one, other), "domain.yaml"), asked("web", "api", 443))
    assert "were not compiled from" in str(error.value)
    assert str(error.value).endswith(AGAIN)


def test_tables_are_of_all_peers_or_of_those_named(project):
    what = read_known(*project)
    assert len(tabled(what, ["TCP/443"], [])) == 2 + 2 + len(
        [one for one in maps().identities if one.name in DOMAIN and one.name.isalpha() and one.number >= 256]
    )
    assert tabled(what, ["TCP/443"], ["api"])[2] == "| from ↓ to → | api |"
