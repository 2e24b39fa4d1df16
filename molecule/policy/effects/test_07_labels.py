"""Containers that are peers by their labels: who they are is known before they speak, and forgotten when they stop."""

from __future__ import annotations

import pytest

from lab import matrix, tenants, traffic
from lab.matrix import TCP, Probe
from lab.shell import wait_until

PEERS = {
    "shop-front": {
        "namespace": "web",
        "labels": {"app": "front"},
        "containers": {"runners": ["runner1"], "labels": {"role": "front"}},
    },
    "shop-back": {
        "namespace": "app",
        "labels": {"app": "back"},
        "containers": {"runners": ["runner1", "runner2"], "labels": {"role": "back"}},
    },
}
POLICIES = {
    "front": {
        "namespace": "web",
        "select": {"matchLabels": {"app": "front"}},
        "egress": [{"to": [{"namespaces": {"matchLabels": {"tier": "middle"}}}]}],
    },
    "middle": {
        "namespace": "app",
        "select": {},
        "ingress": [
            {"from": [{"namespaces": {"matchLabels": {"tier": "front"}}}], "ports": [{"protocol": "TCP", "port": 80}]}
        ],
    },
}


# Another tenant, that lets itself do everything, in the midst of what may be anybody's by a label.
POLICIES["trials"] = {"network": "labs", "select": {}, "ingress": [{}], "egress": [{}]}


@pytest.fixture(scope="module")
def people(inventory):
    """On runner1 a front and a back, and one that says nothing; the declared app2 on runner2."""
    document = tenants.rewrite(inventory)
    tenants.rewrite(inventory, peers={**document["peers"], **PEERS}, policies=POLICIES, tests=[])
    run = inventory.site()
    assert run.code == 0, run.output
    found = tenants.parties({"app2": tenants.CONTAINERS["app2"]})
    found += [_labelled(name, role) for name, role in (("lfront", "front"), ("lback", "back"), ("lnobody", None))]
    matrix.everybody_answers(found, tenants.PORTS)
    yield {party.name: party for party in found}
    for name in ("lfront", "lback", "lnobody"):
        traffic.remove_container("runner1", name)


def _labelled(name, role):
    options = ("--label", f"role={role}") if role else ()
    return matrix.container("runner1", name, tenants.PORTS, *options)


def _reached(people, *pairs):
    probes = [Probe(*pair, TCP, 80) for pair in pairs]
    return {(probe.source, probe.destination) for probe, answer in matrix.ask(people, probes).items() if answer}


def test_a_label_gives_the_rights_of_its_peer(people):
    """On the same bridge, and to a declared peer elsewhere."""
    pairs = [(one, other) for one in people for other in people if one != other]
    assert _reached(people, *pairs) == {("lfront", "lback"), ("lfront", "app2")}


def test_another_tenants_address_among_them_is_its_own(people):
    """Also to a declared peer of the other network. The two trials reach each other, on two runners; and as they let
    everybody speak to them, so may who is nobody's."""
    trials = {party.name: party for party in tenants.parties(tenants.TRIALS)}
    everybody = {**people, **trials}
    pairs = [(one, other) for one in everybody for other in everybody if one != other and {one, other} & set(trials)]
    own = {("trial1", "trial2"), ("trial2", "trial1")}
    assert _reached(everybody, *pairs) == own | {("trial1", "lnobody"), ("lnobody", "trial1")}


def test_the_next_one_at_its_address_has_nothing_of_it(people):
    address = people["lfront"].address
    traffic.remove_container("runner1", "lfront")
    traffic.run_container("runner1", traffic.NETWORK, "lother", "--ip", address)
    try:
        other = matrix.served("runner1", "lother", address, tenants.PORTS)
        now = {**people, "lother": other}
        assert _reached(now, ("lother", "lback"), ("lother", "app2")) == set()
    finally:
        traffic.remove_container("runner1", "lother")
    back = {**people, "lfront": _labelled("lfront", "front")}
    wait_until("the front's rights", lambda: _reached(back, ("lfront", "app2")) == {("lfront", "app2")}, 20)
