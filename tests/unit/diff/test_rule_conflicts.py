# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules and routes of others that stand in the way of networks: named, with the way out; and those that do not."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.diff.conflicts import conflicts
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import ForeignRule
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed, Uplink
from tests.unit.diff.worlds import KERNEL_RULES

TABLES = routing({"prod": 1, "dev": 2}, {})
PLAN = HostPlan("hub", HUB, routes=TABLES.routes, rules=TABLES.rules)


def told(*rules, plan=PLAN, tables=(), kernel=KERNEL_RULES):
    foreign = Foreign(rules=(*kernel, *rules), tables=tables)
    return [str(fault) for fault in conflicts(plan, Observed(Capabilities(True, "none"), {}, foreign))]


def rule(priority, mark=0, mask=0, inverted=False, narrow=False, action="lookup", target=100, family=4):
    return ForeignRule(family, priority, mark, mask, inverted, narrow, action, target)


NOBODYS = {
    "Tailscale's first": rule(5210, 0x80000, 0xFF0000, target=254),
    "Tailscale's last": rule(5270, target=52),
    "wg-quick's, started before": rule(32764, 0xCA6C, 0xFFFFFFFF, inverted=True, target=51820),
    "NetBird's": rule(110, 0x1BD00, 0xFFFFFFFF, inverted=True, target=7120),
    "strongSwan's": rule(220, target=220),
    "of VRFs": rule(1000, narrow=True, target=0),
    "an operator's own, of some addresses, before ours": rule(10, narrow=True),
    "of no mark of a network, before ours": rule(10, 0, 0xFF000000),
    "of packets of no network, before ours": rule(10, 0xCA6C, 0xFFFFFFFF, target=254),
    "the lookup of the host's own addresses, moved": rule(20, target=255),
    "a place that others jump to": rule(60, action="nop", target=0),
    "the next after ours": rule(100),
}


@pytest.mark.parametrize("other", NOBODYS.values(), ids=NOBODYS)
@pytest.mark.parametrize("family", [4, 6])
def test_what_is_in_nobodys_way(other, family):
    assert told(other._replace(family=family)) == []


TAKING = {
    "routing rule ipv4 69 lookup 100": rule(69),
    "routing rule ipv4 0 lookup 100": rule(0),
    "routing rule ipv6 1 goto 32766": rule(1, action="goto", target=32766, family=6),
    "routing rule ipv4 69 not fwmark 0xca6c/0xffffffff lookup 51820": rule(
        69, 0xCA6C, 0xFFFFFFFF, inverted=True, target=51820
    ),
    "routing rule ipv4 69 fwmark 0x80000/0xff0000 lookup 100": rule(69, 0x80000, 0xFF0000),
    "routing rule ipv4 10 fwmark 0x2000000/0x2000000 lookup 100": rule(10, 0x2000000, 0x2000000),
    "routing rule ipv4 10 not … lookup 100": rule(10, inverted=True, narrow=True),
    "routing rule ipv4 10 not fwmark 0x1000000/0xff000000 lookup 100": rule(10, 0x1000000, 0xFF000000, inverted=True),
    "routing rule ipv4 10 blackhole": rule(10, action="blackhole", target=0),
}


@pytest.mark.fault("F25")
@pytest.mark.parametrize(("subject", "other"), TAKING.items(), ids=TAKING)
def test_what_takes_packets_of_networks_before_our_rules_do(subject, other):
    (fault,) = told(other)
    assert fault == (
        f"hub: {subject}: takes packets of networks and stands before weft's own rules (70 to 99); "
        "give it a priority above 99"
    )


@pytest.mark.parametrize("priority", [70, 73, 90, 99])
@pytest.mark.parametrize("narrow", [False, True])
def test_what_stands_among_our_rules(priority, narrow):
    (fault,) = told(rule(priority, narrow=narrow))
    assert fault.endswith(
        "takes packets of networks and stands among weft's own rules (70 to 99); give it a priority above 99"
    )


def test_what_stands_among_our_rules_and_is_about_no_network_is_nothing():
    assert told(rule(73, 0, 0xFF000000)) == []


@pytest.mark.fault("F25")
@pytest.mark.parametrize("priority", [200, 32000])
@pytest.mark.parametrize(
    ("mark", "mask"), [(0x1000000, 0xFF000000), (0xFF000000, 0xFFFFFFFF), (0x80000000, 0x80000000)]
)
def test_bits_of_marks_are_one_users(priority, mark, mask):
    (fault,) = told(rule(priority, mark, mask))
    assert fault == (
        f"hub: routing rule ipv4 {priority} fwmark {mark:#x}/{mask:#x} lookup 100: is about bits of the packet mark "
        "that say which network a packet is of (0xff000000), and weft takes all packets that have them; use other bits"
    )


def test_a_narrow_rule_before_ours_that_names_a_network_is_told_too():
    (fault,) = told(rule(10, 0x1000000, 0xFF000000, narrow=True))
    assert "use other bits" in fault


def test_without_networks_rules_are_everybodys_own_business():
    assert told(rule(69), rule(73), rule(200, 0x1000000, 0xFF000000), plan=HostPlan("hub", HUB), kernel=()) == []


def test_a_kernel_without_rules_is_named():
    (fault,) = told(kernel=KERNEL_RULES[:3])
    assert fault == (
        "hub: IPv6 routing rules: this kernel has none, and networks are kept apart by them; take one with "
        "CONFIG_IPV6_MULTIPLE_TABLES, and do not switch IPv6 off at boot (ipv6.disable=1)"
    )
    assert len(told(kernel=())) == 2


@pytest.mark.fault("F25")
@pytest.mark.parametrize(("link", "through"), [("eth0", " on eth0"), (None, "")])
def test_a_route_in_a_table_of_a_network(link, through):
    (fault,) = told(tables=(ForeignRoute("10.5.0.0/16", link, 119002),))
    assert fault == (
        f"hub: route 10.5.0.0/16{through} in table 119002: was not made by weft, which keeps a network's routes there "
        "and nothing else; remove it, or move it to another table"
    )


def test_a_route_in_a_table_that_no_network_has_yet_is_nothing():
    assert told(tables=(ForeignRoute("10.5.0.0/16", "eth0", 119003),)) == []


@pytest.mark.parametrize(("table", "conflict"), [(254, True), (119001, False)])
def test_what_a_network_sends_into_a_tunnel_may_be_where_the_host_is(table, conflict):
    """The host's own packets go another way."""
    way = Route("192.0.2.0/24", "", "wg0", "", table)
    plan = PLAN._replace(links=(Link("wg0", WIREGUARD, "weft:hub", ""),), routes=(*PLAN.routes, way))
    foreign = Foreign(rules=KERNEL_RULES, uplinks=(Uplink("192.0.2.5/24", "eth0", 1500),), clients=("192.0.2.9",))
    found = conflicts(plan, Observed(Capabilities(True, "none"), {}, foreign))
    assert bool(found) == conflict
