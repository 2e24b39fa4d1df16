# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each side of a packet permits is what its rules say, asked one by one; and it never contradicts the maps."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.permissions import Permissions, contradicts
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import Tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    ALLOW,
    ASTRAY,
    DENY,
    EVERY_NETWORK,
    NETWORK,
    NO_RULE,
    RULE,
    RuleName,
)
from tests.unit.compile.policy import answers as small
from tests.unit.compile.policy.reference import FOREIGN, NOBODY, Reference
from tests.unit.compile.policy.tenancies import block, domains, packets
from tests.unit.compile.policy.test_meaning import FEW, shadows_of


def said_by_the_intent(reference, network, source, destination, protocol, port):
    """(direction, peer, policies, rule) of each end that is a peer; None: the ends do not reach each other."""
    judged = reference.judge(network, source, destination, protocol, port)
    one, other = judged.source, judged.destination
    if FOREIGN in (one, other):
        return None
    found = []
    for direction, peer, far, address in (("ingress", other, one, source), ("egress", one, other, destination)):
        if peer != NOBODY:
            allowing = reference.ask(peer, direction, far, ip_address(address), protocol, port, [])
            policies = tuple(
                name
                for name, policy in sorted(reference.tenancy.policies.items())
                if getattr(policy, direction) and reference.selects_peer(policy, peer)
            )
            found.append((direction, peer, policies, min(allowing, key=reference.order.index, default=None)))
    return found


@settings(FEW, max_examples=500)
@given(domains(), st.integers(0, 1 << 32))
def test_each_side_permits_what_its_own_rules_allow(domain, seed):
    tenancy, places, _numbers = domain
    maps = compile_policy(tenancy, places, EMPTY).maps
    judge, permissions, reference = Judge(maps), Permissions(tenancy), Reference(tenancy, places)
    assert permissions.may_be_of(maps)
    number_of = {network.name: network.number for network in maps.networks}
    for network, *packet in packets(domain, seed, 50):
        found = judge.judge(number_of.get(network, EVERY_NETWORK), *packet)
        expected = said_by_the_intent(reference, network, *packet)
        assert (expected is None) == (found.reason == NETWORK)
        if expected is not None:
            sides = permissions.sides(found, *packet[2:])
            assert [(*side[:3], side.rule and tuple(side.rule)) for side in sides] == expected, packet
            assert not contradicts(found, sides)


@settings(FEW, max_examples=200)
@given(domains(shadows=True), st.integers(0, 1 << 32))
def test_addresses_of_hosts_within_a_peers_do_not_set_the_maps_against_the_intent(domain, seed):
    tenancy, places, numbers = domain
    near = [str(address) for number in numbers for network in block(number) for address in network]
    hosts = Random(seed).sample(near, 6)  # noqa: S311  # nothing is kept secret by it
    maps = compile_policy(tenancy, places, EMPTY, hosts).maps
    judge, permissions = Judge(maps), Permissions(tenancy, maps)
    assert permissions.may_be_of(maps)
    for _network, *packet in packets(domain, seed, 50, shadows_of(maps)):
        found = judge.judge(EVERY_NETWORK, *packet)
        if found.reason not in (NETWORK, ASTRAY):
            assert not contradicts(found, permissions.sides(found, *packet[2:])), packet


@settings(FEW, max_examples=100)
@given(domains(shadows=True), st.integers(0, 1 << 32))
def test_a_denial_by_no_rule_is_of_a_side_that_permits_nothing(domain, seed):
    tenancy, places, _numbers = domain
    maps = compile_policy(tenancy, places, EMPTY).maps
    judge, permissions = Judge(maps), Permissions(tenancy, maps)
    for _network, *packet in packets(domain, seed, 50, shadows_of(maps)):
        found = judge.judge(EVERY_NETWORK, *packet)
        if found.reason == NO_RULE:
            assert [side for side in permissions.sides(found, *packet[2:]) if side.rule is None]


def test_maps_that_say_otherwise_than_the_intent_contradict_it():
    permissions = Permissions(small.tenancy())
    allowed, refused = small.explained("web", "api", 443), small.explained("laptop", "api", 443)
    assert (allowed.verdict, refused.verdict, refused.reason) == (ALLOW, DENY, NO_RULE)
    both, one_lacks = permissions.sides(allowed, 6, 443), permissions.sides(refused, 6, 443)
    assert not contradicts(allowed, both)
    assert contradicts(allowed, one_lacks)
    assert contradicts(refused, both)
    # A rule that denies does so whatever is permitted.
    assert not contradicts(refused._replace(reason=RULE, rule=RuleName("no", "egress", 0)), both)


def test_maps_of_other_rules_or_peers_are_not_of_the_intent():
    whole: Tenancy = small.tenancy()
    assert Permissions(whole).may_be_of(small.maps())
    fewer_rules = whole._replace(policies={name: one for name, one in whole.policies.items() if name != "api-in"})
    fewer_peers = whole._replace(peers={name: one for name, one in whole.peers.items() if name != "laptop"})
    assert not Permissions(fewer_rules).may_be_of(small.maps())
    assert not Permissions(fewer_peers).may_be_of(small.maps())
