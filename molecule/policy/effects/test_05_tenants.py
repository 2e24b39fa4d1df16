"""Tenants beside each other, VPN clients as peers, and those that are nobody's."""

from __future__ import annotations

import pytest

from lab import clients, machine, matrix, plane, reach, tenants, traffic
from lab.matrix import TCP, UDP, Probe
from lab.reach import ICMP, Case

CLIENTS = ("anna", "bert", "carl", "dora")


@pytest.fixture(scope="module")
def containers(inventory):
    found = tenants.parties({**tenants.CONTAINERS, **tenants.TRIALS})
    matrix.everybody_answers(found, tenants.PORTS)
    return {party.name: party for party in found}


@pytest.mark.fault("F43")
def test_tenants_of_one_address_range_do_not_meet(containers):
    """Both are in 10.0.0.0/8, on the same bridges; each would let everybody of its own in."""
    own = [Probe("trial1", "trial2", way, port) for way in (TCP, UDP) for port in tenants.PORTS]
    foreign = [Probe(one, other, TCP, 80) for one in tenants.TRIALS for other in tenants.CONTAINERS]
    foreign += [Probe(other, one, TCP, 80) for one in tenants.TRIALS for other in tenants.CONTAINERS]
    assert set(matrix.ask(containers, own).values()) == {containers["trial1"].address}
    assert set(matrix.ask(containers, foreign).values()) == {None}


@pytest.fixture(scope="module")
def standing(inventory):
    reach.serve()
    # Not plane.start(): most of them may not even ping their server.
    clients.start_all(plane.confs(CLIENTS))
    yield reach.destinations()
    clients.stop_all()


def _answers(standing, client, destination, family="ipv4"):
    cases = [Case(client, destination, family, way) for way in (ICMP, reach.TCP)]
    return {case.protocol for case, answer in reach.ask(cases, standing).items() if answer is not None}


def test_a_client_reaches_what_its_labels_allow(standing):
    """anna, an admin, the printer by TCP 8080 alone, which is the hub here; and the internet."""
    assert _answers(standing, "anna", "lan") == {reach.TCP}
    assert _answers(standing, "anna", "internet") == {ICMP, reach.TCP}
    assert _answers(standing, "anna", "nas") == set()


@pytest.mark.parametrize("client", ["bert", "carl"])
def test_a_client_that_no_policy_allows_anything_reaches_nothing(standing, client):
    for destination in ("lan", "nas", "internet"):
        assert _answers(standing, client, destination) == set()


@pytest.mark.parametrize("family", reach.FAMILIES)
def test_a_client_that_is_no_peer_has_what_its_profile_says_and_meets_no_peer(standing, family):
    assert _answers(standing, "dora", "internet", family) == {ICMP, reach.TCP}
    assert _answers(standing, "dora", "nas", family) == {ICMP, reach.TCP}
    # By IPv4 the hub is somebody's printer.
    assert _answers(standing, "dora", "lan", family) == ({ICMP, reach.TCP} if family == "ipv6" else set())
    case = Case("dora", "anna", family, ICMP)
    assert reach.ask([case], {"anna": reach.listen("anna")}) == {case: None}


@pytest.mark.fault("F43")
def test_a_packet_of_a_tenant_never_goes_by_main(inventory, containers):
    """Where its own table has no way, it is refused, though the host's main table has one."""
    policies = {"all": {"network": "labs", "select": {}, "ingress": [{}], "egress": [{"to": [{"cidr": "10.0.0.0/8"}]}]}}
    tenants.rewrite(inventory, policies=policies, tests=[])
    run = inventory.site()
    assert run.code == 0, run.output
    before = traffic.must(
        "runner1", "ip", "route", "get", traffic.INTERNET, "from", "10.1.2.1", "iif", "kohaku-overlay"
    )
    assert "host0" in before
    done = machine.execute("runner1", "docker", "exec", "trial1", "ping", "-c1", "-W1", traffic.INTERNET)
    assert done.returncode != 0
