"""Three namespaces with three containers each, on three runners with three firewalls: whatever the policies are, those
reach each other that a plain reading of the intent allows, and nobody else."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from lab import matrix, tenants
from lab.matrix import TCP, UDP, Probe
from tests.unit.compile.policy.reference import NUMBERS, Reference

from .policy_sets import BY_HAND, by_seed

SETS = {**BY_HAND, **{f"seed_{seed}": by_seed(seed) for seed in range(30)}}


@pytest.fixture(scope="module")
def containers(inventory):
    found = tenants.parties()
    matrix.everybody_answers(found, tenants.PORTS)
    return found


def _expected(inventory, containers):
    """By the reference: every rule is asked about every packet."""
    with open(inventory.path("domain.yaml"), encoding="utf-8") as text:
        intent = parse(text.read(), "domain.yaml")
    reference = Reference(intent, {})
    probes = [
        (one, other, protocol, port)
        for one in containers
        for other in containers
        for protocol in (TCP, UDP)
        for port in tenants.PORTS
        if one is not other
    ]
    return {Probe(one.name, other.name, *what) for one, other, *what in probes if _may(reference, one, other, *what)}


def _may(reference, one, other, protocol, port):
    ends = (one.name, ip_address(one.address), other.name, ip_address(other.address))
    judged = reference.between(*ends, NUMBERS[protocol], port)
    return judged.verdict == "allow" or judged.observed


@pytest.mark.fault("F38")
@pytest.mark.parametrize("name", SETS)
def test_those_reach_each_other_that_may(inventory, containers, name):
    tenants.rewrite(inventory, policies=SETS[name], tests=[])
    tenants.apply(inventory)
    expected = _expected(inventory, containers)
    reached = matrix.reached(containers, tenants.PORTS)
    assert (reached - expected, expected - reached) == (set(), set())


def test_the_sets_tell_something_apart(inventory, containers):
    """At least half of them let somebody through and not everybody: a matrix of only noes would prove little."""
    told = 0
    for policies in SETS.values():
        tenants.rewrite(inventory, policies=policies, tests=[])
        told += 0 < len(_expected(inventory, containers)) < len(containers) * (len(containers) - 1) * 4
    assert told >= len(SETS) // 2
