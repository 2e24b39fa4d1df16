"""Policies change while traffic runs: what both allow loses nothing, what both deny never arrives, and what is no more
allowed ends at once."""

from __future__ import annotations

import json
import time

import pytest

from lab import flow, matrix, tenants, traffic
from lab.shell import wait_until

SWAPS = 100
# Between the same two tiers: one rule that both have, around it others that come and go.
KEPT = {"network": "shop", "select": {"matchLabels": {"app": "app"}}, "ingress": [{"from": [{"namespaces": {}}]}]}
SPEAK = {"network": "shop", "select": {}, "egress": [{}]}


def _policies(number):
    """Another one each time; the classes of peers change with it."""
    other = {"namespace": "db", "select": {}, "ingress": [{"from": [{"cidr": f"10.{1 + number % 3}.0.0/16"}]}]}
    return {"speak": SPEAK, "kept": KEPT, f"other{number % 7}": other}


@pytest.fixture(scope="module")
def containers(inventory):
    found = tenants.parties()
    matrix.everybody_answers(found, tenants.PORTS)
    return {party.name: party for party in found}


@pytest.mark.fault("F07")
def test_a_hundred_swaps_lose_no_permitted_packet_and_deliver_no_forbidden_one(inventory, containers):
    """web1 on runner1 to app2 on runner2, and to web2, who listens to nobody, past three hosts that all swap."""
    tenants.rewrite(inventory, policies=_policies(0), tests=[])
    tenants.apply(inventory)
    forbidden = f"icmp and dst host {containers['web2'].address} and icmp[icmptype] == icmp-echo"
    with (
        traffic.seen("runner2", "kohaku-overlay", forbidden) as delivered,
        flow.pings(containers["web1"], containers["app2"].address, 0.001) as permitted,
        flow.pings(containers["web1"], containers["web2"].address, 0.001) as refused,
    ):
        for number in range(1, SWAPS + 1):
            tenants.rewrite(inventory, policies=_policies(number))
            tenants.apply(inventory, ("hub", "runner1", "runner2"))
    assert permitted[0].sent > SWAPS * 100
    assert permitted[0].lost == ()
    assert len(refused[0].lost) == refused[0].sent > SWAPS * 100
    assert delivered == []


@pytest.mark.fault("F39")
def test_what_is_allowed_no_more_ends_at_once(inventory, containers):
    """A TCP connection in mid-transfer; its next packets are denied, although it was opened when it was allowed."""
    tenants.rewrite(inventory, policies={"speak": SPEAK, "kept": KEPT})
    tenants.apply(inventory)
    with flow.pings(containers["web1"], containers["app2"].address, 0.01) as account:
        time.sleep(1)
        tenants.rewrite(inventory, policies={"speak": SPEAK})
        began = time.monotonic()
        tenants.apply(inventory)
        took = time.monotonic() - began
        time.sleep(1)
    lost = account[0].lost
    assert 0 < lost[0] < 100 + 100 * (took + 1)
    assert lost == tuple(range(lost[0], account[0].sent))


def test_what_would_be_denied_by_an_observed_policy_passes_and_is_told(inventory, containers):
    observed = {"namespace": "app", "select": {}, "mode": "observe", "ingress": [{"ports": [{"protocol": "UDP"}]}]}
    tenants.rewrite(inventory, policies={"speak": SPEAK, "watched": observed})
    tenants.apply(inventory)
    probe = matrix.Probe("web1", "app2", matrix.TCP, 80)
    assert matrix.ask(containers, [probe])[probe] == containers["web1"].address
    # The audit waits some seconds for the plan that would name a rule.
    wait_until("the audit's line", lambda: ("app2", True) in _told("runner2", "web1"), 20)


def _told(host, source):
    """Destination, and whether it passed all the same, of what a source was denied in the last minute."""
    told = traffic.must(host, "weft", "denials", "--since", "1m", "--source", source, "--json")
    return [(line["destination"], line["observed"]) for line in map(json.loads, told.splitlines())]
