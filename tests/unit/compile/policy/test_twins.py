# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Interfaces with the same addresses: each has its own tenant's routes, clients and marks, however they are peered."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others, read
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.world import Run
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import desired
from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.tenants import tenants_of
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import from_json, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, SOURCE
from ansible_collections.weft.overlay.plugins.module_utils.model.route import MAIN_TABLE, UNICAST
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities
from tests.unit.compile.policy.test_meaning import FEW
from tests.unit.intent.domains import written

SUBNETS = {"ipv4": "172.27.0.0/24", "ipv6": "fd00:27::/64"}
SERVERS = ("router1", "router2")


def domain_of(seed):
    """Up to five networks with an interface and some clients each, all of them with the same subnets."""
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    names = [f"net{number}" for number in range(choose.randint(2, 5))]
    peered = {name: set() for name in names}
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            if choose.random() < 0.4:
                peered[one].add(other)
                peered[other].add(one)
    clients = {
        f"{name}-{number}": {"interface": f"wg{names.index(name)}", "profile": "all"}
        for name in names
        for number in range(choose.randint(1, 3))
    }
    links = [f"wg{number}" for number in range(len(names))]
    return {
        "version": 1,
        "shadows": ["100.64.0.0/10", "fd77::/48"],
        "servers": {
            name: {"role": "router", "management": {"ipv4": f"192.168.{number}.1"}}
            for number, name in enumerate(SERVERS)
        },
        "interfaces": {
            link: {
                "server": choose.choice(SERVERS),
                "endpoint": {"host": "vpn.example.net", "port": 51820 + number},
                "subnets": SUBNETS,
            }
            for number, link in enumerate(links)
        },
        "profiles": {"all": {"clients": True}},
        "bindings": {link: ["all"] for link in links},
        "clients": clients,
        "networks": {name: {"cidrs": list(SUBNETS.values()), "peered": sorted(peered[name])} for name in names},
        "namespaces": {name: {"network": name} for name in names},
        "peers": {name: {"namespace": name.partition("-")[0], "client": name} for name in clients},
        "policies": {name: {"network": name, "select": {}, "ingress": [{}], "egress": [{}]} for name in names},
    }


def compiled(domain):
    inventory, faults = read({}, {}, None, Others(routers=list(SERVERS)))
    assert faults == []
    found = compile_domain(parse(written(domain), "domain.yaml"), inventory, ledgers.EMPTY, Run({}, offline=True))
    assert found.faults == ()
    return found


class Twins:
    """What a compiled domain says, in the words of the tests."""

    def __init__(self, domain):
        self.domain = domain
        result = compiled(domain)
        self.plans = {host: from_json(to_json(plan)) for host, plan in result.plans.items()}
        self.names = {network.number: network.name for network in result.policy.networks}
        self.shadows = result.policy.shadows
        entries = result.ledger.interfaces
        self.addresses = {
            name: entries[one["interface"]].clients[name].addresses for name, one in domain["clients"].items()
        }

    def at(self, host):
        """The interfaces of a server."""
        return [link for link, one in self.domain["interfaces"].items() if one["server"] == host]

    def link(self, network):
        return "wg" + network.removeprefix("net")

    def seen(self, viewer, network, address):
        if viewer == network:
            return address
        for one in self.shadows:
            if (self.names[one.viewer], self.names[one.network]) == (viewer, network):
                own, there = ip_network(one.prefix), ip_network(one.shadow)
                if own.version == ip_address(address).version:
                    return str(there[int(ip_address(address)) - int(own[0])])
        return None


DOMAINS = st.integers(0, 1 << 64).map(domain_of)


@settings(FEW, max_examples=20)
@given(DOMAINS)
def test_a_networks_table_leads_to_its_own_clients_and_to_shadows_of_others(domain):
    twins = Twins(domain)
    for host, plan in twins.plans.items():
        here = twins.at(host)
        tables = {119000 + one.tag: twins.names[one.network] for one in plan.policy.tags} if plan.policy else {}
        ways = Counter((route.destination, route.table) for route in plan.routes if route.type == UNICAST)
        assert set(ways.values()) <= {1}
        for table, network in tables.items():
            wanted = {(text, twins.link(network)) for text in SUBNETS.values() if twins.link(network) in here}
            wanted |= {
                (one.shadow, twins.link(twins.names[one.network]))
                for one in twins.shadows
                if twins.names[one.viewer] == network and twins.link(twins.names[one.network]) in here
            }
            found = {(one.destination, one.link) for one in plan.routes if one.table == table and one.type == UNICAST}
            assert found == wanted


@settings(FEW, max_examples=20)
@given(DOMAINS)
def test_the_main_table_leads_to_one_of_them_and_to_all_shadows(domain):
    twins = Twins(domain)
    for host, plan in twins.plans.items():
        here = sorted(twins.at(host))
        routed = {(one.link, str(ip_network(one.address, strict=False))) for one in plan.addresses if one.prefix_route}
        assert routed == {(here[0], text) for text in SUBNETS.values()} if here else routed == set()
        main = {(one.destination, one.link) for one in plan.routes if one.table == MAIN_TABLE}
        links = [(one.shadow, twins.link(twins.names[one.network])) for one in twins.shadows]
        assert main == {(shadow, link) for shadow, link in links if link in here}


@settings(FEW, max_examples=20)
@given(DOMAINS)
def test_a_client_is_itself_on_its_own_interface_and_reaches_whom_it_may_by_what_it_sees(domain):
    twins = Twins(domain)
    networks = domain["networks"]
    for name, client in domain["clients"].items():
        home = name.partition("-")[0]
        plan = twins.plans[domain["interfaces"][client["interface"]]["server"]]
        judge = Judge(plan.policy)
        number = {one.interface: one.number for one in plan.policy.attachments}
        for other in domain["clients"]:
            there = other.partition("-")[0]
            for own, far in zip(twins.addresses[name], twins.addresses[other]):
                seen = twins.seen(home, there, far)
                if seen is None:
                    assert there != home
                    assert there not in networks[home]["peered"]
                    continue
                said = judge.judge_at(number[client["interface"]], own, seen, 6, 80)
                assert (said.verdict, said.source.name, said.destination.name) == (ALLOW, name, other)
                if own not in [one for mate in domain["clients"] for one in twins.addresses[mate] if mate != name]:
                    strange = [link for link in twins.at(plan.host) if link != client["interface"]]
                    assert all(judge.judge_at(number[one], own, far, 6, 80).reason == SOURCE for one in strange)


@settings(FEW, max_examples=20)
@given(DOMAINS)
def test_where_two_are_on_one_server_marks_tell_them_apart_and_nowhere_else(domain):
    twins = Twins(domain)
    for host, plan in twins.plans.items():
        here, found = twins.at(host), tenants_of(plan)
        crowded = len(here) > 1
        assert {link.name for link in plan.links if link.by_mark} == (set(here) if crowded else set())
        assert {one.link for one in found.twins} == (set(here) if crowded else set())
        assert len({one.tag for one in found.twins}) == len(found.twins)
        names = {switch.name for switch in plan.sysctls}
        assert ("net.ipv4.fwmark_reflect" in names) == ("net.ipv6.fwmark_reflect" in names) == crowded
        for firewall in ("none", "iptables-nft", "firewalld"):
            assert desired(plan, Capabilities(dummy=True, firewall=firewall, docker=True)).state


@settings(FEW, max_examples=10)
@given(DOMAINS)
def test_clients_send_all_that_they_see(domain):
    twins = Twins(domain)
    files = {one.name: one for plan in twins.plans.values() for one in plan.clients}
    for name in domain["clients"]:
        home = name.partition("-")[0]
        sends = [ip_network(text) for text in files[name].allowed_ips]
        shadows = [ip_network(one.shadow) for one in twins.shadows if twins.names[one.viewer] == home]
        others = [ip_network(one.shadow) for one in twins.shadows if twins.names[one.viewer] != home]
        within = [any(one.version == to.version and one.subnet_of(to) for to in sends) for one in (*shadows, *others)]
        assert within == [True] * len(shadows) + [False] * len(others)
