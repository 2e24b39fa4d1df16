# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every folder of firewall_cases/ is a claim about one policy: firewall.json (the overlay's) and accesses.json (the
gates of WireGuard interfaces), one of them or both, and what they are in each back end.

WEFT_REGENERATE=1 writes what was found; read it with `git diff` before you believe it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.tenants import NO_TENANTS, Tenants, Twin
from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.wanted import desired
from ansible_collections.weft.overlay.plugins.module_utils.kernel.firewall import iptables_text, nft
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import (
    FIREWALLD,
    IPTABLES_LEGACY,
    IPTABLES_NFT,
    NONE,
    DirectRule,
    Firewall,
    FirewalldPolicy,
    Ruleset,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Collector

CASES = sorted(path for path in (Path(__file__).parent / "firewall_cases").iterdir() if path.is_dir())
REGENERATE = "WEFT_REGENERATE" in os.environ


def collector_of(case: Path) -> Collector | None:
    """collector.json, where the case has one."""
    path = case / "collector.json"
    return Collector(**value_of(json.loads(path.read_text(encoding="utf-8")))) if path.exists() else None


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


def tenants_of(case: Path) -> Tenants:
    """tenants.json, where the case has one."""
    path = case / "tenants.json"
    if not path.exists():
        return NO_TENANTS
    found = Tenants(**value_of(json.loads(path.read_text(encoding="utf-8"))))
    return found._replace(twins=tuple(Twin(*twin) for twin in found.twins))


def rendered(
    firewall: Firewall | None,
    accesses: tuple[Access, ...],
    collector: Collector | None,
    tenants: Tenants = NO_TENANTS,
) -> dict[str, str]:
    """File name -> text, as a reader wants to see it."""
    (table,) = desired(firewall, accesses, NONE, collector, tenants=tenants)
    (chains,) = desired(firewall, accesses, IPTABLES_NFT, collector, tenants=tenants)
    others = []
    for value in desired(firewall, accesses, FIREWALLD, collector, tenants=tenants):
        if isinstance(value, FirewalldPolicy):
            others.append(f"policy {value.name}\n{value.xml}")
        elif isinstance(value, DirectRule):
            others.append(f"direct rule {value.key()}\n")
        elif not isinstance(value, Ruleset):
            others.append(f"interface {value.interface} in zone {value.zone}\n")
    assert isinstance(table, Ruleset)
    assert isinstance(chains, Ruleset)
    return {"table.nft": table.script, "chains.iptables": chains.script, "firewalld.txt": "\n".join(others)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    found = rendered(*policy(case), collector_of(case), tenants_of(case))
    if REGENERATE:
        for name, text in found.items():
            (case / name).write_text(text, encoding="utf-8")
    assert found == {name: (case / name).read_text(encoding="utf-8") for name in found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wanted_and_what_is_read_back_have_one_signature(case: Path) -> None:
    (table,) = desired(*policy(case), NONE, collector_of(case))
    (chains,) = desired(*policy(case), IPTABLES_LEGACY, collector_of(case))
    assert nft.signature(table.script) == table.signature
    read = []
    for part in chains.script.split("# ")[1:]:
        family, text = part.split("\n", 1)
        read += iptables_text.signature(family, iptables_text.ours(iptables_text.parse(text)))
    assert tuple(read) == chains.signature


def test_no_two_rules_of_one_chain_look_alike() -> None:
    for case in CASES:
        for backend in (NONE, IPTABLES_NFT):
            (ruleset,) = desired(*policy(case), backend, collector_of(case))
            assert len(set(ruleset.signature)) == len(ruleset.signature)


def test_a_host_without_ipv6_runs_no_ip6tables_for_what_no_container_can_send() -> None:
    firewall, accesses = policy(next(case for case in CASES if case.name == "a_runner_without_masquerade_has_no_nat"))
    for ipv6 in (True, False):
        (ruleset,) = desired(firewall, accesses, IPTABLES_NFT, ipv6=ipv6)
        assert isinstance(ruleset, Ruleset)
        assert ("# ip6tables" in ruleset.script) is ipv6
        assert any("past the bridge" in line for line in ruleset.signature)


def test_the_order_of_things_in_a_plan_does_not_matter() -> None:
    for case in CASES:
        firewall, accesses = policy(case)
        turned = firewall and firewall._replace(remotes=firewall.remotes[::-1], vnis=firewall.vnis[::-1])
        mirrored = tuple(access._replace(reaches=access.reaches[::-1]) for access in accesses[::-1])
        for backend in (FIREWALLD, IPTABLES_NFT):
            assert desired(firewall, accesses, backend) == desired(turned, mirrored, backend)


def test_no_policy_wants_nothing() -> None:
    for backend in (FIREWALLD, IPTABLES_NFT, IPTABLES_LEGACY, NONE):
        assert desired(None, (), backend) == ()


def test_a_host_that_only_collects_denials_opens_a_port_and_nothing_else() -> None:
    collector = Collector(("192.0.2.1", "2001:db8::1"), 5515, "/srv/weft", (), ("192.0.2.9", "2001:db8::9"))
    assert desired(None, (), NONE, collector) == ()
    (chains,) = desired(None, (), IPTABLES_NFT, collector)
    assert isinstance(chains, Ruleset)
    rules = [line for line in chains.script.splitlines() if line.startswith("-A")]
    assert len(rules) == 2
    assert rules[0].startswith("-A WEFT-COLLECT -s 192.0.2.9 -d 192.0.2.1 -p tcp -m tcp --dport 5515 -m comment")
    assert rules[1].startswith("-A WEFT-COLLECT -s 2001:db8::9 -d 2001:db8::1 -p tcp -m tcp --dport 5515 -m comment")
    (value,) = desired(None, (), FIREWALLD, collector)
    assert isinstance(value, FirewalldPolicy)
    assert value.xml.count("<accept/>") == 2
    assert value.xml.count('<port port="5515" protocol="tcp"/>') == 2


def test_where_nobody_knows_from_where_denials_come_everybody_may_try() -> None:
    collector = Collector(("192.0.2.1",), 5515, "/srv/weft")
    (chains,) = desired(None, (), IPTABLES_NFT, collector)
    assert isinstance(chains, Ruleset)
    assert "-A WEFT-COLLECT -d 192.0.2.1 -p tcp -m tcp --dport 5515 -m comment" in chains.script
    assert "ip6tables" not in chains.script
    (value,) = desired(None, (), FIREWALLD, collector)
    assert isinstance(value, FirewalldPolicy)
    assert "<source" not in value.xml


def test_comments_fit_into_what_nft_takes() -> None:
    for case in CASES:
        for line in rendered(*policy(case), collector_of(case))["table.nft"].splitlines():
            if 'comment "' in line:
                assert len(line.split('comment "')[1].rstrip('"')) < 128
