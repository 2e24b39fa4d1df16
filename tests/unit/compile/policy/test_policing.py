# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""On every interface of every host a peer is itself where it really speaks, and a liar everywhere else."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import by_name
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, from_json, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    FIRST_IDENTITY,
    LAYER_3,
    NO_ATTACHMENT,
    PORT,
    PORTS,
    SOURCE,
    TUNNEL,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.route import MAIN_TABLE
from tests.unit.compile.policy.sites import CIDRS, CLIENTS, PLANE, RUNNERS, TENANCY, compiled, site, sites
from tests.unit.compile.policy.test_meaning import FEW
from tests.unit.intent.tenants import shuffled

OVERLAY = ip_network("10.0.0.0/8")
LANS = [ip_network(text) for text in PLANE["interfaces"]["wg0"]["lan"]]
SUBNETS = {name: ip_network(f"10.{number}.0.0/16") for number, name in RUNNERS.items()}
OUTSIDE = ip_address("203.0.113.7")


class Witness:
    """Who has which address and where it is, worked out by asking every peer about it."""

    def __init__(self, domain, hub, clients):
        self.domain = domain
        self.hub = hub
        self.clients = {name: set(map(ip_address, addresses)) for name, addresses in clients.items()}
        self.hosts = {name: {subnet[1]} for name, subnet in SUBNETS.items()}
        self.hosts["router1"] = {
            ip_address(text) for text in ("192.168.20.1", "fd5e:20::1", "192.168.210.1", "fd5e:210::1", "192.168.211.1")
        }
        self.hosts.setdefault(hub, set()).update((ip_address("10.0.0.1"), *(net[254] for net in SUBNETS.values())))

    def owner(self, address):
        """The peer that has it; None: nobody has."""
        found = [(-1, None)]
        for name, peer in self.domain["peers"].items():
            found += ((prefix.prefixlen, name) for prefix in self.prefixes(peer) if address in prefix)
        length, name = max(found, key=lambda pair: pair[0])
        is_hosts = any(address in addresses for addresses in self.hosts.values())
        return None if is_hosts and length < address.max_prefixlen else name

    def prefixes(self, peer):
        texts = (*peer.get("addresses", ()), *peer.get("subnets", ()), *self.clients.get(peer.get("client"), ()))
        has = [ip_network(text) for text in texts]
        if "runner" in peer:
            subnet = SUBNETS[peer["runner"]]
            has += [subnet, ip_network(subnet[1])]
        if "server" in peer:
            inside = [ip_network(cidr) for cidr in CIDRS[peer["namespace"].partition("-")[0]]]
            has += [ip_network(one) for one in self.hosts[peer["server"]] if any(one in cidr for cidr in inside)]
        return has

    def speaks(self, host, interface, address):
        """Whether packets from it really come in there. interface: None: one that is not policed, or the host."""
        if interface is None:
            in_lan = host == "router1" and any(address in lan for lan in LANS)
            return in_lan or address in self.hosts[host]
        if interface in ("wg0", "wg1"):
            theirs = [name for name in CLIENTS if PLANE["clients"][name]["interface"] == interface]
            return any(address in self.clients[name] for name in theirs)
        if host == self.hub:
            subnet = SUBNETS[RUNNERS[int(interface.removeprefix("vxkr"))]]
            return address in subnet and address != subnet[254]
        subnet = SUBNETS[host]
        if interface == "kohaku-overlay":
            return address in subnet and address not in (subnet[1], subnet[254])
        return address == subnet[254] or (
            address not in subnet and (address in OVERLAY or self.owner(address) is not None)
        )


def addresses_in(found, choose):
    """Some of everybody's, and of nobody's."""
    prefixes = [prefix for peer in found.domain["peers"].values() for prefix in found.prefixes(peer)]
    for prefix in (*prefixes, *SUBNETS.values(), *LANS, ip_network("192.168.210.0/24"), ip_network("fd5e:210::/120")):
        for place in {0, 1, 2, 254, choose.randrange(1 << 16)}:
            if place < prefix.num_addresses:
                yield prefix[place]
    yield from (address for addresses in found.hosts.values() for address in addresses)
    yield OUTSIDE


def clients_of(result):
    entries = result.ledger.interfaces.values()
    return {name: client.addresses for entry in entries for name, client in entry.clients.items()}


@settings(FEW, max_examples=150)
@given(sites(), st.integers(0, 1 << 32))
def test_a_peer_is_itself_where_it_speaks_and_nowhere_else(both, seed):
    domain, hub_is_router = both
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    result = compiled(domain, hub_is_router)
    assert result.faults == ()
    witness = Witness(domain, "router1" if hub_is_router else "hub1", clients_of(result))
    assert {host for host, plan in result.plans.items() if plan.policy is not None} == set(witness.hosts)
    for host, plan in result.plans.items():
        policy = from_json(to_json(plan)).policy
        judge = Judge(policy)
        number = {None: NO_ATTACHMENT, **{one.interface: one.number for one in policy.attachments}}
        for address in addresses_in(witness, choose):
            owner = witness.owner(address)
            other = "10.2.0.9" if address.version == 4 else "fd5e:20::9"
            for interface, attachment in number.items():
                said = judge.judge_at(attachment, str(address), other, 6, 80)
                where = (host, interface, str(address), owner)
                if not witness.speaks(host, interface, address) and (interface or owner):
                    assert said.reason == SOURCE, where
                elif owner is None:
                    assert said.reason != SOURCE, where
                    assert said.source.number < FIRST_IDENTITY or "/" in said.source.name, where
                else:
                    assert said.reason != SOURCE, where
                    assert said.source.name == owner, where


@settings(FEW, max_examples=100)
@given(sites())
def test_an_interface_is_of_a_network_only_if_nobody_else_speaks_there(both):
    result = compiled(*both)
    for plan in result.plans.values():
        for attachment in plan.policy.attachments:
            speakers = {
                place.endpoint.network
                for place in plan.policy.sources
                if place.scope == attachment.number and place.endpoint.identity != 0
            }
            assert attachment.network == (speakers.pop() if len(speakers) == 1 else 0)


@st.composite
def two_orders(draw):
    domain, hub_is_router = draw(sites())
    return domain, shuffled(draw, domain), hub_is_router


@pytest.mark.fault("F35")
@settings(FEW, max_examples=50)
@given(two_orders())
def test_the_order_of_keys_changes_no_byte_of_any_plan(three):
    first, again = (compiled(domain, three[2]) for domain in three[:2])
    assert {host: to_json(plan) for host, plan in first.plans.items()} == {
        host: to_json(plan) for host, plan in again.plans.items()
    }
    assert ledgers.to_json(first.ledger) == ledgers.to_json(again.ledger)
    assert first.policy == again.policy


@settings(FEW, max_examples=50)
@given(sites())
def test_networks_change_nothing_but_what_they_add(both):
    domain, hub_is_router = both
    bare = {key: value for key, value in domain.items() if key not in TENANCY}
    with_networks, without = compiled(domain, hub_is_router), compiled(bare, hub_is_router)
    for host, plan in with_networks.plans.items():
        routes = tuple(route for route in plan.routes if route.table == MAIN_TABLE)
        links = tuple(link._replace(far=None) for link in plan.links)
        stripped: HostPlan = plan._replace(policy=None, borrowed=(), rules=(), routes=routes, links=links)
        assert to_json(stripped) == to_json(without.plans[host])
    assert without.policy is None
    assert '"policy"' not in ledgers.to_json(without.ledger)


@settings(FEW, max_examples=50)
@given(sites(), sites())
def test_whoever_comes_or_goes_changes_no_number_of_those_who_stay(before, after):
    first = compiled(*before)
    second = compiled(after[0], before[1], ledgers.from_json(ledgers.to_json(first.ledger), "ledger.json"))
    old, new = first.ledger.policy, second.ledger.policy
    pairs = [*zip(old.domain, new.domain)]
    for host in old.hosts:
        pairs += zip(old.hosts[host], new.hosts[host])
    for one, other in pairs:
        staying = set(one.given) & set(other.given)
        assert {key: one.given[key] for key in staying} == {key: other.given[key] for key in staying}


def test_an_interface_that_comes_back_has_its_number_again():
    domain, _hub = site(0)
    first = compiled(domain)
    interfaces = {name: one for name, one in domain["interfaces"].items() if name == "wg0"}
    fewer = {
        **domain,
        "interfaces": interfaces,
        "bindings": {"wg0": ["all"]},
        "clients": {name: one for name, one in domain["clients"].items() if one["interface"] == "wg0"},
        "peers": {},
    }
    second = compiled(fewer, ledger=first.ledger)
    third = compiled(domain, ledger=second.ledger)
    numbers = [by_name(found.ledger.policy.hosts["router1"].attachments) for found in (first, second, third)]
    assert numbers == [{"wg0": 1, "wg1": 2}, {"wg0": 1}, {"wg0": 1, "wg1": 2}]


def test_flags_say_what_kind_of_interface_it_is():
    plans = compiled(*site(0)[:1]).plans
    flags = {host: {one.interface: one.flags for one in plan.policy.attachments} for host, plan in plans.items()}
    assert flags == {
        "hub1": dict.fromkeys(("vxkr1", "vxkr2", "vxkr3"), TUNNEL),
        "router1": {"wg0": LAYER_3, "wg1": LAYER_3},
        **{runner: {"kohaku-overlay": PORTS, "vxlan0": TUNNEL | PORT} for runner in RUNNERS.values()},
    }


def test_past_254_networks_a_host_has_those_of_its_peers_and_what_these_reach():
    names = [f"net{number:03}" for number in range(300)]
    cidrs = {name: f"10.{number % 3 + 1}.{number // 3}.0/24" for number, name in enumerate(names)}
    domain = {
        **PLANE,
        # The first two are on different runners.
        "networks": {
            name: {"cidrs": [cidr], **({"peered": [names[1 - names.index(name)]]} if name in names[:2] else {})}
            for name, cidr in cidrs.items()
        },
        "namespaces": {name: {"network": name} for name in names},
        "peers": {name: {"namespace": name, "subnets": [cidr]} for name, cidr in cidrs.items()},
    }
    result = compiled({**domain, "peers": {name: domain["peers"][name] for name in names[:250]}})
    assert result.faults == ()
    numbers = {network.name: network.number for network in result.policy.networks}
    there = {name for index, name in enumerate(names[:250]) if index % 3 == 0} | {names[1]}
    policy = result.plans["runner1"].policy
    assert {tag.network for tag in policy.tags} == {numbers[name] for name in there}
    judge = Judge(policy)
    far = next(one.number for one in policy.attachments if one.interface == "vxlan0")
    assert judge.judge_at(far, "10.2.0.2", "10.1.0.2", 6, 80).source.name == names[1]
    assert judge.judge_at(far, "10.2.1.2", "10.1.0.2", 6, 80).reason == SOURCE
    crowded = compiled(domain)
    assert [str(fault) for fault in crowded.faults] == [
        "hub1: networks: is in 300 networks, and marks tell 254 apart; move some of their peers to another host"
    ]
