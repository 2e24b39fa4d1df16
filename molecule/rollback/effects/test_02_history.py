"""What a host remembers, and the way back to an earlier plan."""

from __future__ import annotations

import json

import pytest

from lab import faults, traffic

PAIR = ("runner1", "runner2")


@pytest.fixture(scope="module", autouse=True)
def _two_changes(inventory):
    for port in (4790, 4791):
        inventory.overlay(port=port)
        run = inventory.site("-e", "awx_user_name=anna")
        assert run.code == 0, run.output


def test_the_history_says_who_changed_what_and_how_it_ended(on):
    latest, before = faults.history("hub")[:2]
    assert latest["number"] == before["number"] + 1
    for entry in (latest, before):
        assert entry["author"]["name"].startswith("anna@")
        assert entry["result"] == "confirmed"
        assert any(line.startswith("+ link vxkr1") for line in entry["changes"])
    assert latest["author"]["revision"] == before["author"]["revision"] + 1
    table = on("hub", "weft history").splitlines()
    assert table[0].split() == ["change", "when", "by", "revision", "lines", "result", "plan"]
    assert table[1].startswith(f"{latest['number']} ")
    assert table[1].endswith(f"{latest['plan'][:12]} (kept)")
    assert "+ link vxkr1" in on("hub", f"weft history {latest['number']}")


def test_nobody_else_reads_it(on):
    assert on("hub", "stat -c %a /var/lib/weft").strip() == "700"
    assert on("hub", "find /var/lib/weft -name 'journal*' -o -path '*/plans/*' -perm /077 -type f").count("plans") == 0


def test_an_earlier_plan_comes_back_and_lasts_when_it_is_confirmed(on):
    earlier = faults.history("hub")[1]["number"]
    said = on("hub", f"weft rollback {earlier}")
    assert "+ link vxkr1" in said
    assert "run `weft confirm` from a new login within 120 s" in said
    assert "dstport 4790" in on("hub", "ip -d link show vxkr1")
    assert "waits for its confirmation" in on("hub", "weft history")
    on("hub", "weft confirm")
    assert faults.pending("hub") is None
    assert faults.history("hub")[0]["result"] == "confirmed"
    assert {link["port"] for link in json.loads(on("hub", "cat /var/lib/weft/plan.json"))["links"]} - {None, 0} == {
        4790
    }


def test_a_plan_that_is_not_kept_is_said_to_be_so(on):
    assert "the plan of change 4711 is not kept here; those that are: " in on("hub", "weft rollback 4711 2>&1 || true")


def test_the_next_run_brings_the_intent_back(inventory, on):
    run = inventory.site()
    assert run.code == 0, run.output
    assert run.busy() == {"hub"}
    assert "dstport 4791" in on("hub", "ip -d link show vxkr1")
    assert traffic.settled(PAIR) == []


def test_a_boot_and_a_watch_write_down_what_they_do(on):
    on("hub", "ip link del vxkr2")
    on("hub", "weft apply")
    last = faults.history("hub")[0]
    assert (last["author"]["name"], last["result"]) == ("weft apply", "applied")
    assert any("link vxkr2" in line for line in last["changes"])
