# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Compiled policies mean what the intent says, judged by somebody who asks every rule about every packet."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, EVERY_NETWORK
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json, to_json
from tests.unit.compile.policy.reference import FOREIGN, NOBODY, Judgement, Reference
from tests.unit.compile.policy.tenancies import domains, packets

FEW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def shadows_of(maps):
    """With the names of networks."""
    name_of = {network.number: network.name for network in maps.networks}
    return [(name_of[viewer], name_of[network], prefix, shadow) for viewer, network, prefix, shadow in maps.shadows]


def in_words(found):
    """An explanation as the reference says it; who is no peer is nobody."""
    return Judgement(
        "allow" if found.verdict == ALLOW else "deny",
        found.observed,
        None if found.rule is None else tuple(found.rule),
        found.reason.name if found.reason else None,
        found.source.name,
        found.destination.name,
    )


def hosts_in(domain, seed):
    """Addresses of hosts in the midst of peers, in half of all domains."""
    ends = [end for _network, *both, _protocol, _port in packets(domain, seed + 1, 3) for end in both]
    return tuple(sorted(set(ends))) if seed % 2 else ()


@pytest.mark.fault("F36")
@settings(FEW, max_examples=1000)
@given(domains(shadows=True), st.integers(0, 1 << 32))
def test_the_maps_say_of_every_packet_what_the_intent_says(domain, seed):
    tenancy, places, _numbers = domain
    hosts = hosts_in(domain, seed)
    compiled = compile_policy(tenancy, places, EMPTY, hosts)
    assert compiled.faults == ()
    # As a host reads them.
    judge = Judge(from_json(to_json(compiled.maps)))
    reference = Reference(tenancy, places, hosts, shadows_of(compiled.maps))
    number_of = {network.name: network.number for network in compiled.maps.networks}
    for network, *packet in packets(domain, seed, 100, reference.allocated):
        expected = reference.judge(network, *packet)
        found = in_words(judge.judge(number_of.get(network, EVERY_NETWORK), *packet))
        # Which prefix, or whose peer, somebody is who is no peer here, is told beyond what the intent says.
        names = [
            name if said in (NOBODY, FOREIGN) else found_name
            for said, found_name, name in zip(expected[4:], found[4:], expected[4:])
        ]
        assert found._replace(source=names[0], destination=names[1]) == expected, (network, packet)
