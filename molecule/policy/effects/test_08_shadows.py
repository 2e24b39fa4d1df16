"""Tenants with the very same addresses: each for itself as if there were nobody else, and, where they are peered, to
each other by shadows.

`left` and `right` have clients of the router behind an interface each, with one subnet; `east` and `west` have
containers on the runners. `third` is peered with left and right, and has addresses of its own.
"""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from itertools import product

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.prefix import prefix_of
from lab import clients, flow, machine, matrix, plane, reach, tenants, traffic
from lab.matrix import TCP, UDP, Probe
from lab.reach import FAMILIES, ICMP, Case, Destination

SUBNETS = {"ipv4": "172.28.0.0/24", "ipv6": "fd00:28::/64"}
GATEWAY = Destination("172.28.0.1", "fd00:28::1")
# Each has the same address on its interface as its namesake.
NAMES = {"ada": "left", "alan": "left", "eva": "right", "evan": "right", "tom": "third"}
LINKS = {"left": "wg1", "right": "wg2", "third": "wg3"}
WHOLE = ("ada", "eva")
CLOSED = 8099

RUNNERS = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
CIDRS = {
    "left": list(SUBNETS.values()),
    "right": list(SUBNETS.values()),
    "third": ["172.29.0.0/24", "fd00:29::/64"],
    "east": RUNNERS,
    "west": RUNNERS,
}
PEERED = {"left": ["right", "third"], "right": ["left", "third"], "third": ["left", "right"]}
PEERED.update(east=["west"], west=["east"])
CONTAINERS = {
    "east1": ("runner1", "10.1.3.1"),
    "west2": ("runner2", "10.2.3.1"),
    "west3": ("runner3", "10.3.3.1"),
    "west1": ("runner1", "10.1.3.2"),
}


def _interface(link, subnets):
    return {
        "server": "router",
        "endpoint": {"host": "198.19.0.1", "port": 52820 + int(link[-1])},
        "subnets": subnets,
        "lan": ["198.18.0.0/24", "fd00:18::/64"],
        "internet": True,
    }


OPEN = [
    {"protocol": "TCP", "port": 8080},
    {"protocol": "UDP", "port": 8080, "end": CLOSED},
    {"protocol": "ICMP"},
    {"protocol": "ICMPv6"},
]
FROM_LEFT = {"from": [{"namespaces": {"matchLabels": {"net": "left"}}}], "ports": OPEN}
FROM_THIRD = {"from": [{"namespaces": {"matchLabels": {"net": "third"}}}], "ports": OPEN[:1]}
FROM_EAST = {
    "from": [{"namespaces": {"matchLabels": {"net": "east"}}}],
    "ports": [{"protocol": "TCP", "port": 80}, {"protocol": "UDP", "port": 81}],
}


def _all(network, *ingress, **more):
    return {"network": network, "select": {}, "ingress": list(ingress), **more}


APART = {f"{name}-all": _all(name, {}, egress=[{}]) for name in CIDRS}
TOGETHER = {
    "left": _all("left", FROM_THIRD, egress=[{}]),
    "right": {**_all("right", FROM_LEFT, FROM_THIRD), "select": {"matchLabels": {"door": "open"}}},
    "third": {"network": "third", "select": {}, "egress": [{}]},
    "east": {"network": "east", "select": {}, "egress": [{}]},
    "west": _all("west", FROM_EAST),
}


def _rewrite(mine, peered, policies):
    labels = {"eva": {"door": "open"}}
    document = tenants.rewrite(
        mine,
        interfaces={
            link: _interface(link, SUBNETS if name != "third" else dict(zip(SUBNETS, CIDRS["third"])))
            for name, link in LINKS.items()
        },
        profiles={
            "whole": {"lan": True, "internet": True, "clients": True, "tunnel": "full"},
            "part": {"lan": True, "clients": True},
        },
        bindings={link: ["whole", "part"] for link in LINKS.values()},
        clients={
            name: {"interface": LINKS[network], "profile": "whole" if name in WHOLE else "part"}
            for name, network in NAMES.items()
        },
        networks={
            name: {"cidrs": cidrs, **({"peered": PEERED[name]} if peered else {})} for name, cidrs in CIDRS.items()
        },
        namespaces={name: {"network": name, "labels": {"net": name}} for name in CIDRS},
        peers={
            **{
                name: {"namespace": network, "client": name, "labels": labels.get(name, {})}
                for name, network in NAMES.items()
            },
            **{
                name: {"namespace": name[:-1], "addresses": [address]}
                for name, (_runner, address) in CONTAINERS.items()
            },
        },
        policies=policies,
        tests=[],
        shadows=["100.64.0.0/12", "fd77::/48"] if peered else [],
    )
    assert document["networks"].keys() == CIDRS.keys()


@pytest.fixture(scope="module")
def together(inventory):
    """Peered, with rules."""
    _rewrite(inventory, peered=True, policies=TOGETHER)
    run = inventory.site()
    assert run.code == 0, run.output
    return inventory


@pytest.fixture(scope="module")
def alike(together):
    """The clients' addresses; left's and right's are the same."""
    reach.serve()
    # Not plane.start(): some may not even ping their server.
    clients.start_all(plane.confs(NAMES))
    found = {name: reach.listen(name) for name in NAMES}
    assert (found["ada"], found["alan"]) == (found["eva"], found["evan"])
    yield found
    clients.stop_all()


@pytest.fixture(scope="module")
def shadows(together):
    """(viewer, network, address) → what the viewer sees."""
    with open(together.path("build/policy.json"), encoding="utf-8") as text:
        policy = json.load(text)
    names = dict(policy["networks"])
    pairs = [(names[viewer], names[network], own, there) for viewer, network, own, there in policy["shadows"]]

    def see(viewer, network, address):
        prefix = prefix_of(address)
        for looks, seen, own, there in pairs:
            if (looks, seen) == (viewer, network) and prefix_of(own).holds(prefix):
                return prefix.moved(prefix_of(own), prefix_of(there)).shown()
        raise AssertionError((viewer, network, address, pairs))

    return see


@pytest.fixture(scope="module")
def seen(alike, shadows):
    """(viewer, name) → a client as that network sees it."""

    def find(viewer, name):
        return Destination(*(shadows(viewer, NAMES[name], address) for address in alike[name][:2]))

    return find


def _pairs(names, to, ways=(ICMP, reach.TCP)):
    """What of a table is answered, without its families: all of them have to be of one mind."""
    found = reach.ask(
        [Case(name, there, family, way) for name in names for there in to for family in FAMILIES for way in ways], to
    )
    told = {}
    for case, answer in found.items():
        told.setdefault((case.client, case.destination, case.protocol), set()).add(answer is not None)
    assert all(len(answers) == 1 for answers in told.values()), told
    return {key for key, answers in told.items() if answers == {True}}


def test_a_second_run_changes_nothing(seen, together):
    run = together.site()
    assert run.code == 0, run.output
    assert run.busy() == set()


def test_clients_are_told_to_send_to_shadows(seen):
    told = plane.conf("evan")
    wanted = [
        ip_network(word.strip())
        for line in told.splitlines()
        if "AllowedIPs" in line
        for word in line.partition("=")[2].split(",")
    ]
    for address in seen("right", "ada")[:2]:
        assert any(
            ip_address(address) in network for network in wanted if network.version == ip_address(address).version
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_peered_client_reaches_who_lets_it_in_by_its_shadow(seen, family):
    """And is seen by its own shadow."""
    to = {"eva": seen("left", "eva")}
    found = reach.ask([Case(name, "eva", family, reach.TCP) for name in ("ada", "alan")], to)
    assert {case.client: answer for case, answer in found.items()} == {
        name: getattr(seen("right", name), family) for name in ("ada", "alan")
    }
    talk = flow.Running("ada", "alike", UDP, getattr(to["eva"], family), "8080", "40000", "1").finish()
    assert talk["asked"] == talk["answered"] > 1
    assert talk["seen"] == [getattr(seen("right", "ada"), family)]


@pytest.mark.fault("F43")
def test_nobody_else_is_let_in(seen):
    assert _pairs(("ada", "alan"), {"eva": seen("left", "eva"), "evan": seen("left", "evan")}) == {
        (name, "eva", way) for name in ("ada", "alan") for way in (ICMP, reach.TCP)
    }
    assert _pairs(("eva", "evan"), {"ada": seen("right", "ada"), "alan": seen("right", "alan")}) == set()


def test_a_third_network_knows_both_apart(seen):
    to = {name: seen("third", name) for name in NAMES if name != "tom"}
    assert _pairs(["tom"], to) == {("tom", name, reach.TCP) for name in ("ada", "alan", "eva")}
    for name, home in (("ada", "left"), ("eva", "right")):
        for family in FAMILIES:
            case = Case("tom", name, family, reach.TCP)
            assert reach.ask([case], to)[case] == getattr(seen(home, "tom"), family)


def test_errors_come_back_by_shadows(seen):
    """That nobody listens says the one who was asked; that a packet has come too far, the host between."""
    for target in seen("left", "eva")[:2]:
        assert _refused("ada", target), target
        told = clients.execute("ada", "ping", "-c1", "-W2", "-t1", target).stdout
        assert "Time to live exceeded" in told or "Hop limit" in told, told


def _refused(name, target):
    """Whether an ICMP error says that nobody listens on a UDP port. A host says so once a second to one address, and
    only some are as patient as this."""
    code = (
        "import socket, sys; six = ':' in sys.argv[1]; "
        "s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1.1); "
        f"s.connect((sys.argv[1], {CLOSED}))\n"
        "for number in range(3):\n"
        "  try: s.send(b'x'), s.recv(1)\n"
        "  except ConnectionRefusedError: sys.exit(print('refused'))\n"
        "  except TimeoutError: continue\n"
    )
    return clients.must(name, "python3", "-c", code, target).strip() == "refused"


def test_the_internet_is_still_there(alike):
    to = {"internet": reach.host_destination("internet"), "nas1": reach.host_destination("nas1")}
    assert _pairs(["ada"], to) == {("ada", there, way) for there in to for way in (ICMP, reach.TCP)}


@pytest.fixture(scope="module")
def containers(together):
    found = {party.name: party for party in tenants.parties(CONTAINERS)}
    matrix.everybody_answers(list(found.values()), tenants.PORTS)
    yield found
    for name, (runner, _address) in CONTAINERS.items():
        traffic.remove_container(runner, name)


def test_containers_meet_by_shadows(containers, shadows):
    """Past a bridge, a hub and each kind of firewall."""
    as_east = {
        f"{name} by a shadow": containers[name]._replace(address=shadows("east", "west", containers[name].address))
        for name in ("west1", "west2", "west3")
    }
    as_west = {
        "east1 by a shadow": containers["east1"]._replace(address=shadows("west", "east", containers["east1"].address))
    }
    probes = [Probe("east1", name, way, port) for name in as_east for way in (TCP, UDP) for port in tenants.PORTS]
    probes += [Probe("west2", name, way, port) for name in as_west for way in (TCP, UDP) for port in tenants.PORTS]
    probes += [Probe("east1", name, TCP, 80) for name in ("west1", "west2", "west3")]
    found = matrix.ask({**containers, **as_east, **as_west}, probes)
    told = as_west["east1 by a shadow"].address
    assert {probe: answer for probe, answer in found.items() if answer is not None} == {
        Probe("east1", name, way, port): told for name in as_east for way, port in ((TCP, 80), (UDP, 81))
    }


def test_flows_end_with_the_peering(together, seen):
    """The next packets of what runs go nowhere."""
    target = seen("left", "eva")
    with flow.pings("ada", target.ipv4, 0.01) as account:
        machine.execute("router", "sleep", "1")
        _rewrite(together, peered=False, policies=APART)
        tenants.apply(together)
        machine.execute("router", "sleep", "1")
    lost = account[0].lost
    assert lost
    assert lost[0] > 0
    assert lost == tuple(range(lost[0], account[0].sent))
    assert _pairs(["ada"], {"eva": target}) == set()


@pytest.fixture(scope="module")
def apart(together, alike):
    """Nobody is peered; everybody lets everybody of its own in."""
    _rewrite(together, peered=False, policies=APART)
    tenants.apply(together)
    return alike


def test_each_reaches_what_it_would_reach_alone(apart):
    to = {**{name: reach.host_destination(name) for name in ("nas1", "router", "internet")}, "gateway": GATEWAY}
    both = (ICMP, reach.TCP)
    assert _pairs(WHOLE, to) == {(name, there, way) for name in WHOLE for there in to for way in both}


def test_the_same_port_of_the_same_address_is_two_conversations(apart):
    """Of ada and eva, at the same time, to everybody: nothing of the one is the other's."""
    to = {name: reach.host_destination(name) for name in ("internet", "nas1")}
    to.update(gateway=GATEWAY, neighbour=apart["alan"])
    running = {
        (name, there, family, way): flow.Running(name, "alike", way, getattr(to[there], family), "8080", port, "1.5")
        for port, (there, family, way) in enumerate(product(to, FAMILIES, (TCP, UDP)), start=40000)
        for port in [str(port)]
        for name in WHOLE
    }
    told = {case: one.finish() for case, one in running.items()}
    assert {case: account for case, account in told.items() if account["asked"] != account["answered"]} == {}
    assert min(account["asked"] for account in told.values()) > 1


def test_neighbours_meet_and_namesakes_of_the_other_tenant_never_do(apart):
    """What is sent to one leaves by the one interface alone."""
    for asks, other in (("ada", "wg2"), ("eva", "wg1")):
        with traffic.seen("router", other, f"host {apart['alan'].ipv4}") as strange:
            assert _pairs([asks], {"alan": apart["alan"]}) == {(asks, "alan", ICMP), (asks, "alan", reach.TCP)}
        assert strange == []


def test_errors_of_the_host_find_the_one_who_asked(apart):
    for name in WHOLE:
        for target in GATEWAY[:2]:
            assert _refused(name, target), (name, target)
