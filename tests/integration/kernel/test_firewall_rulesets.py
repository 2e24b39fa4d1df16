# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every policy of the unit tests, given to the real tools: taken, read back the same, undone, and gone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.wanted import desired
from ansible_collections.weft.overlay.plugins.module_utils.kernel.firewall.backend import Firewalls
from ansible_collections.weft.overlay.plugins.module_utils.kernel.firewall.nft_names import names
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import (
    IPTABLES_LEGACY,
    IPTABLES_NFT,
    NONE,
    Firewall,
    Ruleset,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.state import RULESET

CASES = sorted((Path(__file__).parents[2] / "unit/diff/firewall_cases").iterdir())
HUB = next(case for case in CASES if case.name.startswith("a_hub_forwards"))
BACKENDS = (NONE, IPTABLES_NFT, IPTABLES_LEGACY)


def policy(case: Path) -> tuple[Firewall | None, tuple[Access, ...]]:
    """firewall.json and accesses.json, as far as the case has them."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in case.glob("*.json")}
    firewall = Firewall(**value_of(found["firewall"])) if "firewall" in found else None
    accesses = [Access(**value_of(access)) for access in found.get("accesses", [])]
    return firewall, tuple(
        access._replace(reaches=tuple(Reach(**value_of(reach)) for reach in access.reaches)) for access in accesses
    )


def value_of(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def seen() -> dict[str, Any]:
    return dict(Firewalls().observe().state[RULESET])


def swap(before: Ruleset | None, after: Ruleset | None) -> None:
    one = after or before
    assert one is not None
    action = ADD if before is None else REMOVE if after is None else CHANGE
    Firewalls().apply([Change(action, RULESET, one.key(), before, after)])


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.fault("F23")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.usefixtures("host")
def test_every_policy_is_taken_read_back_undone_and_removed(backend: str) -> None:
    last: Ruleset | None = None
    for case in CASES:
        (wanted,) = desired(*policy(case), backend)
        assert isinstance(wanted, Ruleset)
        swap(last, wanted)
        found = seen()
        assert {key: value.signature for key, value in found.items()} == {wanted.key(): wanted.signature}, case.name
        if last is not None:
            # What was read before is the way back.
            swap(found[wanted.key()], last)
            assert seen()[wanted.key()].signature == last.signature, case.name
            swap(last, wanted)
        last = found[wanted.key()]
    swap(last, None)
    assert seen() == {}
    assert not [chain for _family, _table, chain in names().chains if chain.startswith("WEFT")]


@pytest.mark.usefixtures("host")
def test_leftovers_of_every_other_back_end_are_seen() -> None:
    for backend in BACKENDS:
        (ruleset,) = desired(*policy(HUB), backend)
        assert isinstance(ruleset, Ruleset)
        swap(None, ruleset)
    assert set(seen()) == {"nft", IPTABLES_NFT, IPTABLES_LEGACY}


@pytest.mark.fault("F23")
@pytest.mark.usefixtures("host")
def test_a_host_filters_where_the_rules_of_others_are() -> None:
    assert Firewalls().observe().backend == IPTABLES_NFT
    run("iptables-legacy", "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
    assert Firewalls().observe().backend == IPTABLES_LEGACY
    run("iptables-nft", "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
    assert Firewalls().observe().backend == IPTABLES_NFT


@pytest.mark.usefixtures("host")
def test_our_own_rules_do_not_decide_where_a_host_filters() -> None:
    (ruleset,) = desired(*policy(HUB), IPTABLES_LEGACY)
    assert isinstance(ruleset, Ruleset)
    swap(None, ruleset)
    assert Firewalls().observe().backend == IPTABLES_NFT


@pytest.mark.usefixtures("host")
def test_a_table_of_our_name_that_is_not_ours_is_a_fault_and_left_alone() -> None:
    run("nft", "table inet weft_overlay { chain input { type filter hook input priority 0; tcp dport 22 accept; }; }")
    look = Firewalls().observe()
    assert look.state[RULESET] == {}
    assert [subject for subject, _message in look.faults] == ["nftables table inet weft_overlay"]


@pytest.mark.usefixtures("host")
def test_a_rule_added_to_our_table_is_a_difference() -> None:
    (wanted,) = desired(*policy(HUB), NONE)
    assert isinstance(wanted, Ruleset)
    swap(None, wanted)
    run("nft", "insert rule inet weft_overlay scope_guard accept")
    assert seen()["nft"].signature != wanted.signature
    swap(seen()["nft"], wanted)
    assert seen()["nft"].signature == wanted.signature


@pytest.mark.parametrize("backend", [IPTABLES_NFT, IPTABLES_LEGACY])
@pytest.mark.usefixtures("host")
def test_what_refuses_before_our_accepts_is_told_in_both_families(backend: str) -> None:
    case = next(case for case in CASES if case.name.startswith("clients_reach"))
    (wanted,) = desired(*policy(case), backend)
    assert isinstance(wanted, Ruleset)
    swap(None, wanted)
    flavour = backend.rpartition("-")[2]
    run(f"iptables-{flavour}", "-I", "FORWARD", "-s", "10.8.0.0/16", "-j", "DROP")
    run(f"ip6tables-{flavour}", "-I", "FORWARD", "-j", "REJECT")
    found = {refusal.rule.split()[0]: refusal[1:] for refusal in Firewalls().observe().refusals}
    assert found == {"iptables": ("10.8.0.0/16", None), "ip6tables": ("::/0", None)}
