# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Transactions of iptables, as text: what is written, and above all what is not touched."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.firewall.iptables_text import (
    is_used,
    ours,
    parse,
    refusals,
    script,
    signature,
    transaction,
)

HOOK = '-m comment --comment "weft way in #00000001" -j WEFT-FORWARD'
RULE = '-s 10.0.0.0/8 -m comment --comment "weft overlay to overlay #00000002" -j ACCEPT'
TARGET = f"*filter\n:WEFT-FORWARD - [0:0]\n-I FORWARD {HOOK}\n-A WEFT-FORWARD {RULE}\nCOMMIT\n"


def saved(*rules: str, chains: tuple[str, ...] = ("WEFT-FORWARD",)) -> str:
    """What iptables-save prints of the filter table."""
    heads = [":FORWARD DROP [0:0]", *(f":{chain} - [0:0]" for chain in chains)]
    return "".join(line + "\n" for line in ("*filter", *heads, *rules, "COMMIT"))


def turn(now: str, target: str = TARGET) -> list[str]:
    return transaction(parse(now), parse(target)).splitlines()


def test_an_empty_table_gets_chain_hook_and_rule_in_one_commit() -> None:
    assert turn("") == TARGET.replace("-I FORWARD", "-I FORWARD 1").splitlines()


def test_what_is_as_it_should_be_is_not_written() -> None:
    assert turn(saved(f"-A FORWARD {HOOK}", f"-A WEFT-FORWARD {RULE}")) == []


def test_a_hook_that_is_there_once_keeps_its_place_below_dockers() -> None:
    lines = turn(saved("-A FORWARD -j DOCKER-USER", f"-A FORWARD {HOOK}"))
    assert [line for line in lines if "FORWARD -m" in line and "WEFT-FORWARD -" not in line] == []
    assert f"-A WEFT-FORWARD {RULE}" in lines


def test_a_hook_that_is_there_twice_is_put_right() -> None:
    lines = turn(saved(f"-A FORWARD {HOOK}", "-A FORWARD -j X", f"-A FORWARD {HOOK}", f"-A WEFT-FORWARD {RULE}"))
    assert [line[:10] for line in lines if HOOK in line] == ["-D FORWARD", "-D FORWARD", "-I FORWARD"]


def test_the_first_place_is_the_one_after_docker_user() -> None:
    lines = turn(saved("-A FORWARD -j OTHER", "-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER", chains=()))
    assert f"-I FORWARD 3 {HOOK}" in lines


def test_removal_takes_ours_and_leaves_the_rest() -> None:
    now = saved("-A FORWARD -j OTHER", f"-A FORWARD {HOOK}", f"-A WEFT-FORWARD {RULE}")
    assert turn(now, "") == ["*filter", ":WEFT-FORWARD - [0:0]", f"-D FORWARD {HOOK}", "-X WEFT-FORWARD", "COMMIT"]


def test_a_chain_that_is_no_longer_wanted_goes_in_the_same_commit() -> None:
    lines = turn(saved(f"-A FORWARD {HOOK}", f"-A WEFT-OLD {RULE}", chains=("WEFT-FORWARD", "WEFT-OLD")))
    assert lines[-2:] == ["-X WEFT-OLD", "COMMIT"]


def test_tables_are_built_guards_first_and_removed_guards_last() -> None:
    both = TARGET + TARGET.replace("*filter", "*raw").replace("FORWARD", "PREROUTING")
    assert [line for line in turn("", both) if line[0] == "*"] == ["*raw", "*filter"]
    now = script(parse(both))
    assert [line for line in turn(now, "") if line[0] == "*"] == ["*filter", "*raw"]


def test_what_was_read_is_its_own_way_back() -> None:
    now = parse(saved(f"-A FORWARD {HOOK}", f"-A WEFT-FORWARD {RULE}", "-A WEFT-FORWARD -s 192.0.2.1/32 -j DROP"))
    back = parse(script(ours(now)))
    assert signature("iptables", back) == signature("iptables", ours(now))
    assert any("192.0.2.1" in line for line in signature("iptables", back))
    assert transaction(now, back) == ""


def test_a_chain_of_our_name_with_foreign_rules_is_not_ours() -> None:
    tables = parse(saved("-A WEFT-FORWARD -s 192.0.2.1/32 -j DROP"))
    assert tables["filter"].foreign_chains() == {"WEFT-FORWARD"}
    assert ours(tables) == {}


def test_a_direct_rule_of_firewalld_is_no_hook() -> None:
    assert ours(parse(saved(f"-A FORWARD {RULE}", chains=()))) == {}


EVERYTHING = (None, None)
ABOVE = {
    "-j DROP": EVERYTHING,
    "-j REJECT --reject-with icmp-host-prohibited": EVERYTHING,
    '-i vxkr1 -m comment --comment "no overlay" -j DROP': EVERYTHING,
    "! -i eth0 -j DROP": EVERYTHING,
    "-s 10.0.0.0/8 -j DROP": ("10.0.0.0/8", None),
    "-s 10.0.0.0/8 -d 192.0.2.0/24 -j DROP": ("10.0.0.0/8", "192.0.2.0/24"),
    "! -s 10.0.0.0/8 -j DROP": None,
    "-i eth0 -j DROP": None,
    "-m conntrack --ctstate INVALID -j DROP": None,
    "-j DOCKER-USER": None,
    "-i vxkr1 -j ACCEPT": None,
}


@pytest.mark.parametrize("accept", [HOOK, RULE, "-i vxkr1 -o vxkr1 -j ACCEPT"], ids=["hook", "direct", "docker"])
@pytest.mark.parametrize("rule", ABOVE)
def test_what_refuses_above_our_accept_is_told_with_its_prefixes(rule: str, accept: str) -> None:
    now = parse(saved(f"-A FORWARD {rule}", f"-A FORWARD {accept}"))
    found = [refusal[1:] for refusal in refusals(now, lambda name: name == "vxkr1")]
    assert found == ([] if ABOVE[rule] is None else [ABOVE[rule]])
    below = parse(saved(f"-A FORWARD {accept}", f"-A FORWARD {rule}"))
    assert refusals(below, lambda name: name == "vxkr1") == []


def test_a_back_end_is_in_use_by_foreign_rules_or_policies_alone() -> None:
    assert is_used(parse(saved(chains=())))
    accepting = saved(f"-A FORWARD {HOOK}", f"-A WEFT-FORWARD {RULE}").replace("DROP [", "ACCEPT [")
    assert not is_used(parse(accepting))
    assert is_used(parse(accepting.replace("COMMIT", "-A FORWARD -j OTHER\nCOMMIT")))
