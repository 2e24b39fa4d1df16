# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Compiled policies have one spelling, and nothing else is read as one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    REASONS,
    Attachment,
    Endpoint,
    Place,
    PolicyMaps,
    Shadow,
    Verdict,
    mapped,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json, to_json
from tests.unit.compile.policy.tenancies import domains

MAPS = PolicyMaps(
    attachments=(Attachment('w"ö\u2028', 1, 0, 1),),
    sources=(Place(1, "10.0.0.0/8", Endpoint(256, 256, 1, 1)),),
    verdicts=(Verdict(1, 256, 6, 80, 1, 0, 1), Verdict(256, 1, 255, 0, 0, 1, 0)),
)


@settings(max_examples=100, deadline=None)
@given(domains())
def test_what_is_written_is_read_back_and_written_the_same(domain):
    maps = compile_policy(domain.tenancy, domain.places, EMPTY).maps
    text = to_json(maps)
    assert from_json(text) == maps
    assert to_json(from_json(text)) == text


def test_each_value_has_a_line():
    assert to_json(MAPS) == (
        "{\n"
        ' "attachments": [\n  ["w\\"ö\u2028", 1, 0, 1]\n ],\n'
        ' "destinations": [],\n "identities": [],\n "networks": [],\n "port_classes": [],\n "rules": [],\n'
        ' "sources": [\n  [1, "10.0.0.0/8", 256, 256, 1, 1]\n ],\n "tags": [],\n'
        ' "verdicts": [\n  [1, 256, 6, 80, 1, 0, 1],\n  [256, 1, 255, 0, 0, 1, 0]\n ],\n'
        ' "version": 1\n'
        "}\n"
    )
    assert from_json(to_json(MAPS)) == MAPS


def test_shadows_have_lines_where_there_are_any():
    """So that nothing changes for those who have none."""
    maps = MAPS._replace(shadows=(Shadow(1, 2, "10.0.0.0/8", "100.0.0.0/8"), Shadow(2, 1, "fd00::/8", "fc00::/8")))
    assert ' "shadows": [\n  [1, 2, "10.0.0.0/8", "100.0.0.0/8"],\n' in to_json(maps)
    assert from_json(to_json(maps)) == maps


def broken(**fields):
    return json.dumps({**json.loads(to_json(MAPS)), **fields})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the policy is not JSON"),
        (to_json(MAPS)[:-10], "the policy is not JSON"),
        ("[" * 100_000, "the policy is not JSON"),
        ("[]", "the policy is not a JSON object"),
        ("{}", "the policy has version None, this release reads version 1"),
        (
            broken(version=2),
            "the policy has version 2, which is newer than this weft.overlay reads (1); install a newer collection",
        ),
        (broken(version=0), "the policy has version 0, this release reads version 1"),
        (broken(version=True), "the policy has version True, this release reads version 1"),
        (broken(extra=[]), "the policy has ['attachments', 'destinations', 'extra'"),
        (broken(rules=None), "the policy has None where a list of rules should be"),
        (broken(rules=[["a", "ingress"]]), "the policy has ['a', 'ingress'] among its rules"),
        (broken(networks=[{"number": 1, "name": "a"}]), "the policy has {'number': 1, 'name': 'a'} among its networks"),
        (broken(identities=[[1, 2, 3]]), "the policy has [1, 2, 3] among its identities"),
        (broken(verdicts=[[1, 1, 1, 1, True, 0, 0]]), "the policy has [1, 1, 1, 1, True, 0, 0] among its verdicts"),
        (broken(verdicts=[[1, 1, 1, 1, 1, 0, -1]]), "the policy has [1, 1, 1, 1, 1, 0, -1] among its verdicts"),
        (broken(verdicts=[[1 << 32, 1, 1, 1, 1, 0, 0]]), "the policy has [4294967296, 1, 1, 1, 1, 0, 0] among its"),
        (broken(sources=[[1, "10.0.0.0/8", 1, 1, 1]]), "the policy has [1, '10.0.0.0/8', 1, 1, 1] among its sources"),
    ],
)
def test_what_is_no_policy_is_refused(text, reason):
    with pytest.raises(PlanError) as raised:
        from_json(text)
    assert str(raised.value).startswith(reason)


def test_what_a_policy_lacks_is_refused():
    for name in set(PolicyMaps._fields) - {"shadows"}:
        document = json.loads(to_json(MAPS))
        if name == "speakers":
            continue  # says nothing where it is missing
        del document[name]
        with pytest.raises(PlanError, match="it should have"):
            from_json(json.dumps(document))


def test_every_reason_has_a_number_a_name_and_a_sentence_of_its_own():
    assert [reason.number for reason in REASONS] == list(range(1, len(REASONS) + 1))
    assert len({reason.name for reason in REASONS}) == len({reason.says for reason in REASONS}) == len(REASONS)
    for reason in REASONS:
        assert reason.name.isupper()
        assert reason.says.endswith(".")


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("10.0.0.0/8", (0xFFFF0A000000, 104)),
        ("10.0.0.1", (0xFFFF0A000001, 128)),
        ("0.0.0.0/0", (0xFFFF00000000, 96)),
        ("::/0", (0, 0)),
        ("fd00::1", (0xFD << 120 | 1, 128)),
    ],
)
def test_ipv4_is_a_part_of_ipv6(prefix, expected):
    assert mapped(prefix) == expected
