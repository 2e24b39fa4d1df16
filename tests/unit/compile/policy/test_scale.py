# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is compiled, and the work it takes, grows with what there is, not with how many could meet. Work is counted in
lines of the compiler that run, so that no clock has a say."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.namespace import Namespace
from ansible_collections.weft.overlay.plugins.module_utils.intent.network import Network
from ansible_collections.weft.overlay.plugins.module_utils.intent.peer import Peer
from ansible_collections.weft.overlay.plugins.module_utils.intent.policy import Policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.port import Port
from ansible_collections.weft.overlay.plugins.module_utils.intent.rule import Others, Rule
from ansible_collections.weft.overlay.plugins.module_utils.intent.selector import Selector
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import Tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import MOST_PLACES, MOST_VERDICTS

ALL = Selector({}, ())
EVERYTHING = Rule("allow", (), ())


def app(number):
    return Selector({"app": f"a{number}"}, ())


def from_app(number, *ports):
    return Rule("allow", (Others(app(number), None, None, ()),), tuple(Port("TCP", port, port) for port in ports))


def peer(namespace, number, *addresses):
    return Peer(namespace, {"app": f"a{number}"}, None, None, None, addresses, ())


def tenants(count, peers=10, peered=False):
    """Networks with as many peers; each peer has a rule that lets in its neighbour, by one of 500 ports. peered: all of
    them with the first one."""
    networks, namespaces, people, policies = {}, {}, {}, {}
    for number in range(count):
        name = f"n{number}"
        near = () if not peered else ("n0",) if number else tuple(f"n{other}" for other in range(1, count))
        networks[name] = Network((f"10.{number >> 8}.{number & 255}.0/24",), None, "enforce", near, None)
        namespaces[name] = Namespace(name, {})
        policies[f"{name}-out"] = Policy(None, name, ALL, None, (), (EVERYTHING,))
        for one in range(peers):
            people[f"{name}-{one}"] = peer(
                name, one, f"10.{number >> 8}.{number & 255}.{one + 1}", f"fd00:{number:x}::{one:x}"
            )
            rule = from_app((one + 1) % peers, 1000 + (number * peers + one) % 500)
            policies[f"{name}-{one}"] = Policy(name, None, app(one), None, (rule,), ())
    return Tenancy(networks, namespaces, people, policies, ())


def crowd(count, policies):
    """One network with so many peers."""
    people = {f"p{one}": peer("all", one, f"10.{one >> 16}.{one >> 8 & 255}.{one & 255}") for one in range(count)}
    networks = {"n": Network(("10.0.0.0/8",), None, "enforce", (), None)}
    return Tenancy(networks, {"all": Namespace("n", {})}, people, policies, ())


def for_all(ingress=(), egress=()):
    return Policy(None, "n", ALL, None, ingress, egress)


def for_one(number, rule):
    return Policy("all", None, app(number), None, (rule,), ())


def neighbours(count):
    """Everybody may send, and each lets in another one."""
    let_in = {f"p{one}": for_one(one, from_app((one + 1) % count, 1000 + one % 100)) for one in range(count)}
    return crowd(count, {**let_in, "out": for_all(egress=(EVERYTHING,))})


def one_sender(count):
    """Everybody lets in everybody, by a port of his own, and yet only one may send."""
    let_in = {f"p{one}": for_one(one, Rule("allow", (), (Port("TCP", 1 + one, 1 + one),))) for one in range(count)}
    out = Policy("all", None, app(1), None, (), (EVERYTHING,))
    return crowd(count, {**let_in, "out": out})


def cidrs(count):
    """Each lets in a network outside."""
    outside = [Others(None, None, f"172.16.{one >> 8}.{one & 255}/32", ()) for one in range(count)]
    return crowd(count, {f"p{one}": for_one(one, Rule("allow", (outside[one],), ())) for one in range(count)})


def peered_tenants(count):
    return tenants(count, peered=True)


def lines_run(tenancy):
    """How many lines of the compiler run for it."""
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        if "/compile/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        compile_policy(tenancy, {}, EMPTY)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    ("tenancy_of", "count"),
    [(tenants, 20), (peered_tenants, 20), (neighbours, 200), (one_sender, 200), (cidrs, 200)],
)
def test_twice_as_much_is_twice_the_work(tenancy_of, count):
    assert lines_run(tenancy_of(2 * count)) < 2.2 * lines_run(tenancy_of(count))


def test_ten_thousand_rules_of_a_thousand_networks():
    compiled = compile_policy(tenants(1000), {}, EMPTY)
    assert compiled.faults == ()
    maps = compiled.maps
    assert len(maps.rules) == 11_000
    # Of each peer both addresses, for its own network and for nobody's; and the cidr of each network.
    assert len(maps.destinations) == 1000 * 10 * 2 * 2 + 1000
    # Each peer may send to the world, and hears its neighbour on one port.
    assert len(maps.verdicts) == 1000 * 10 * 2
    assert len(maps.port_classes) == 502 + 2


@pytest.mark.fault("F08")
def test_more_verdicts_than_hosts_hold_are_refused():
    own = {f"p{one}": for_one(one, from_app(one, 1)) for one in range(12)}
    many = tuple(Rule("allow", (), (Port("TCP", port, port),)) for port in range(1, 20_001, 2))
    compiled = compile_policy(crowd(12, {**own, "all": for_all(many, (EVERYTHING,))}), {}, EMPTY)
    assert compiled.maps.verdicts == ()
    assert [fault.path for fault in compiled.faults] == ["policies"]
    assert compiled.faults[0].message == (
        f"come to more than the {MOST_VERDICTS} verdicts that hosts hold: 13 classes of peers and prefixes, 20003 "
        "ranges of ports; tell fewer of them apart, or allow less between all of them"
    )


@pytest.mark.fault("F08")
def test_more_places_than_hosts_hold_are_refused():
    tenancy = tenants(110, peers=44)
    networks = {
        name: network._replace(peered=tuple(other for other in tenancy.networks if other != name))
        for name, network in tenancy.networks.items()
    }
    compiled = compile_policy(tenancy._replace(networks=networks), {}, EMPTY)
    assert [fault.path for fault in compiled.faults] == ["peers"]
    assert compiled.faults[0].message == (
        f"{110 * 110 * 44 * 2} prefixes of peers, counted in each network that reaches them, are more than the "
        f"{MOST_PLACES} that hosts hold; peer fewer networks, or declare subnets instead of addresses"
    )
