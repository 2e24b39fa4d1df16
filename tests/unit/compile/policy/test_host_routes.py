# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tables of networks have of our own routes, and what they borrow of the main table: on a small host, by hand."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.host_routes import Destinations, host_routes
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.mtu import Tight, mtu_notes
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import DUMMY, VXLAN, WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import UNICAST, Route

TABLE = 119007
PLAN = HostPlan(
    "hub",
    HUB,
    links=(
        Link("kohaku-host", DUMMY, "weft:hub", ""),
        Link("vxkr1", VXLAN, "weft:runner1", "", 1450),
        Link("vxkr2", VXLAN, "weft:runner2", "", 1450),
        Link("wg0", WIREGUARD, "weft:hub", "", 1380),
    ),
    addresses=(
        Address("kohaku-host", "10.0.0.1/8"),
        Address("vxkr1", "10.2.0.254/16", prefix_route=False),
        Address("wg0", "192.168.210.1/24"),
    ),
    routes=(
        Route("10.2.0.0/16", "10.2.0.1", "vxkr1", "10.0.0.1"),
        Route("10.3.0.0/16", "10.3.0.1", "vxkr2", "10.0.0.1"),
    ),
)


def found(*rules, lans=(), cidrs=("10.0.0.0/8", "192.168.210.0/24"), mtu=None):
    """rules: the `to` of each."""
    network = {"cidrs": list(cidrs), **({"mtu": mtu} if mtu else {})}
    egress = [{"to": [{"cidr": cidr} for cidr in rule]} if rule else {} for rule in rules]
    domain = {
        "networks": {"net": network},
        "namespaces": {"all": {"network": "net"}},
        "peers": {},
        "policies": {"out": {"network": "net", "select": {}, "egress": egress}},
    }
    tenancy = parse_tenancy(json.dumps(domain), "domain.yaml")
    return host_routes(PLAN, lans, {"net": 7}, Destinations(tenancy))


def borrowed(*rules, **fields):
    return [f"{one.destination}{' missed' * one.missed}" for one in found(*rules, **fields).borrowed]


@pytest.mark.parametrize(
    "named", ["10.2.0.0/16", "10.3.7.0/24", "10.2.0.0/15", "192.168.210.0/24"], ids=lambda text: text.replace("/", "-")
)
def test_what_own_routes_cover_whole_is_not_borrowed_too(named):
    assert borrowed([named]) == []
    assert borrowed([named], lans=[named]) == []


def test_what_they_cover_in_part_is():
    assert borrowed(["10.0.0.0/8"]) == ["10.0.0.0/8"]
    assert borrowed(["10.0.0.0/14", "10.2.0.0/16"]) == ["10.0.0.0/14"]


def test_a_dummy_leads_nowhere_so_it_covers_nothing():
    assert borrowed(["10.77.0.0/16"]) == ["10.77.0.0/16"]


def test_a_lan_is_missed_and_what_holds_it_but_nothing_that_policies_merely_name():
    assert borrowed(["172.16.0.0/12"], ["192.168.7.0/24"], lans=["192.168.7.0/24"]) == [
        "172.16.0.0/12",
        "192.168.7.0/24 missed",
    ]
    assert borrowed(["192.168.0.0/16"], lans=["192.168.7.0/24"]) == ["192.168.0.0/16 missed"]
    assert borrowed(["192.168.0.0/16"], lans=["192.168.210.0/24"]) == ["192.168.0.0/16"]


def test_a_lan_that_the_network_does_not_reach_is_not_borrowed():
    assert borrowed(["172.16.0.0/12"], lans=["192.168.7.0/24"]) == ["172.16.0.0/12"]


def test_a_default_route_is_missed_if_somebody_says_it():
    assert borrowed([]) == ["0.0.0.0/0"]
    assert borrowed(["0.0.0.0/0"]) == ["0.0.0.0/0 missed"]


def test_a_family_that_the_cidrs_do_not_have_is_of_no_use():
    assert borrowed([], ["::/0"], ["2001:db8::/32"]) == ["0.0.0.0/0"]
    assert borrowed([], ["::/0"], cidrs=["fd00::/64"]) == ["::/0 missed"]


def test_routes_have_the_networks_mtu_where_their_link_lets_it_pass():
    routes = {route.destination: route.mtu for route in found([], mtu=1400).tables.routes if route.type == UNICAST}
    assert routes == {"10.2.0.0/16": 1400, "10.3.0.0/16": 1400, "192.168.210.0/24": 0}
    assert {one.mtu for one in found([], mtu=1400).borrowed} == {1400}
    assert {route.mtu for route in found([]).tables.routes} == {0}


@pytest.mark.parametrize(("mtu", "tight"), [(1380, ()), (1381, (Tight("net", 1380, "hub", "wg0"),))])
def test_a_link_is_tight_from_one_byte_less_on(mtu, tight):
    assert found([], mtu=mtu).tight == tight


def test_of_tight_links_the_tightest_is_named():
    (note,) = mtu_notes(found([], mtu=1500).tight, {"net": 1500})
    assert note == (
        "networks.net.mtu: no packet of 1500 bytes goes by wg0 of hub, whose MTU is 1380, nor by 2 more links: "
        "it changes nothing there"
    )
