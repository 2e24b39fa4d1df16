# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Packets go past a host's stack only between interfaces where all peers are of networks that want it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import FORWARDS, PEER, TUNNEL
from tests.unit.compile.policy.sites import PLANE, compiled, sites
from tests.unit.compile.policy.test_meaning import FEW


def with_forwarding(domain, **words):
    networks = dict(domain["networks"])
    for name, word in words.items():
        networks[name] = {**networks[name], "forwarding": word}
    return {**domain, "networks": networks}


def flagged(result):
    return {
        (host, one.interface)
        for host, plan in result.plans.items()
        for one in (plan.policy.attachments if plan.policy else ())
        if one.flags & FORWARDS
    }


def place(**peers):
    """On runner1 to runner3, whose subnets are 10.1.0.0/16 to 10.3.0.0/16."""
    return {
        **PLANE,
        "networks": {name: {"cidrs": ["10.0.0.0/8"]} for name in ("blue", "red", "green")},
        "namespaces": {name: {"network": name} for name in ("blue", "red", "green")},
        "peers": {name: {"namespace": name.partition("_")[0], "subnets": [subnet]} for name, subnet in peers.items()},
    }


def test_tunnels_of_a_hub_forward_where_all_peers_are_of_such_networks():
    domain = place(blue_a="10.1.0.0/24", red_a="10.1.1.0/24", blue_b="10.2.0.0/24", green_b="10.2.1.0/24")
    assert flagged(compiled(domain)) == set()
    assert flagged(compiled(with_forwarding(domain, blue="direct"))) == set()
    both = compiled(with_forwarding(domain, blue="direct", red="direct"))
    assert flagged(both) == {("hub1", "vxkr1")}
    all_three = with_forwarding(domain, blue="direct", red="direct", green="direct")
    assert flagged(compiled(all_three)) == {("hub1", "vxkr1"), ("hub1", "vxkr2")}


def test_where_nobody_is_a_peer_nothing_is_said():
    result = compiled(with_forwarding(place(blue_a="10.1.0.0/24"), blue="direct"))
    flags = {one.interface: one.flags for one in result.plans["hub1"].policy.attachments}
    assert flags == {"vxkr1": TUNNEL | FORWARDS, "vxkr2": TUNNEL, "vxkr3": TUNNEL}


def test_who_shares_a_tunnel_with_others_is_told():
    domain = place(blue_a="10.1.0.0/24", red_a="10.1.1.0/24", green_a="10.1.2.0/24", blue_b="10.2.0.0/24")
    (note,) = [note for note in compiled(with_forwarding(domain, blue="direct")).notes if "forwarding" in note]
    assert note == (
        "hub1: vxkr1 has peers of networks with `forwarding: direct`, and of green, red, without: so all that passes "
        "there goes through the host's stack"
    )
    assert not any("forwarding" in note for note in compiled(domain).notes)


@settings(FEW, max_examples=100)
@given(sites(), st.sets(st.sampled_from(["blue", "red"])))
def test_only_tunnels_of_hubs_do_and_only_with_such_peers_alone(both, direct):
    domain, hub_is_router = both
    result = compiled(with_forwarding(domain, **dict.fromkeys(direct, "direct")), hub_is_router)
    hub = "router1" if hub_is_router else "hub1"
    names = {one.number: one.name for one in result.policy.networks}
    for host, plan in result.plans.items():
        for one in plan.policy.attachments:
            peers = {
                names[found.endpoint.network]
                for found in plan.policy.sources
                if found.scope == one.number and found.endpoint.flags & PEER
            }
            able = host == hub and one.interface.startswith("vxkr") and peers and peers <= direct
            assert bool(one.flags & FORWARDS) == bool(able), (host, one, peers)


@settings(FEW, max_examples=50)
@given(sites())
def test_the_stack_is_what_it_is_without_the_word(both):
    domain, hub_is_router = both
    said = compiled(with_forwarding(domain, blue="stack", red="stack"), hub_is_router)
    unsaid = compiled(domain, hub_is_router)
    assert {host: to_json(plan) for host, plan in said.plans.items()} == {
        host: to_json(plan) for host, plan in unsaid.plans.items()
    }


@settings(FEW, max_examples=50)
@given(sites(), st.sampled_from(["blue", "red"]))
def test_nothing_but_flags_differs(both, network):
    domain, hub_is_router = both
    direct, stack = (
        compiled(with_forwarding(domain, **{network: word}), hub_is_router) for word in ("direct", "stack")
    )
    assert direct.policy == stack.policy
    for host, plan in direct.plans.items():
        cleared = tuple(one._replace(flags=one.flags & ~FORWARDS) for one in plan.policy.attachments)
        assert to_json(plan._replace(policy=plan.policy._replace(attachments=cleared))) == to_json(stack.plans[host])
