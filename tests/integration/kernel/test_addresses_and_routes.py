# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Addresses and routes as iproute2 sees them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.link import Link
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route

HUB = Address("kohaku-host", "10.0.0.1/8")
SIDE = Address("vxkr1", "10.1.0.254/16", prefix_route=False)
ROUTE = Route("10.1.0.0/16", "10.1.0.1", "vxkr1", "10.0.0.1")


@pytest.fixture
def hub(host: Any, hub_link: Link, bridge: Link) -> Any:
    """The hub with one runner: links and addresses, no route yet."""
    host.add("link", bridge._replace(name="kohaku-host"), hub_link)
    host.add("address", HUB, SIDE)
    return host


def main_routes(host: Any) -> list[tuple[str, str | None, str | None]]:
    return [(route["dst"], route.get("gateway"), route.get("dev")) for route in host.json("route show table main")]


def test_an_address_has_its_prefix_route_only_where_it_is_wanted(hub: Any) -> None:
    found = {a["local"]: a for link in hub.json("addr") for a in link["addr_info"] if link["ifname"] != "lo"}
    assert (found["10.0.0.1"]["prefixlen"], found["10.1.0.254"]["prefixlen"]) == (8, 16)
    assert found["10.1.0.254"]["noprefixroute"] is True
    assert "noprefixroute" not in found["10.0.0.1"]
    assert [destination for destination, _, _ in main_routes(hub)] == ["10.0.0.0/8"]
    assert set(hub.observe().addresses) == {HUB, SIDE}


def test_an_address_that_lost_its_flag_is_seen_and_mended(hub: Any) -> None:
    hub.ip("addr del 10.1.0.254/16 dev vxkr1")
    hub.ip("addr add 10.1.0.254/16 dev vxkr1")
    drifted = SIDE._replace(prefix_route=True)
    assert drifted in hub.observe().addresses
    hub.change("address", drifted, SIDE)
    assert set(hub.observe().addresses) == {HUB, SIDE}
    assert [destination for destination, _, _ in main_routes(hub)] == ["10.0.0.0/8"]


def test_addresses_are_removed_and_what_is_gone_counts_as_removed(hub: Any) -> None:
    hub.remove("address", SIDE)
    hub.remove("address", SIDE, Address("nolink0", "10.9.0.1/16"))
    assert hub.observe().addresses == (HUB,)


def test_ipv6_addresses_of_our_links_are_seen_but_not_link_local_ones(hub: Any) -> None:
    hub.set_switch("ipv6/conf/vxkr1/disable_ipv6", "0")
    hub.ip("addr add 2001:db8::1/64 dev vxkr1 nodad")
    assert [a for a in hub.observe().addresses if ":" in a.address] == [Address("vxkr1", "2001:db8::1/64")]
    hub.remove("address", Address("vxkr1", "2001:db8::1/64"))
    hub.add("address", Address("vxkr1", "2001:db8::2/64", prefix_route=False))
    assert Address("vxkr1", "2001:db8::2/64", prefix_route=False) in hub.observe().addresses


def test_a_route_is_made_with_all_its_attributes(hub: Any) -> None:
    hub.add("route", ROUTE)
    route = hub.json("route show 10.1.0.0/16")[0]
    assert (route["gateway"], route["dev"], route["prefsrc"]) == ("10.1.0.1", "vxkr1", "10.0.0.1")
    assert (route["protocol"], route["flags"], route["type"]) == ("119", ["onlink"], "unicast")
    assert hub.observe().routes == (ROUTE,)


@pytest.mark.parametrize(
    "field", [{"via": "10.1.0.7"}, {"source": "10.1.0.254"}, {"link": "kohaku-host"}], ids=["via", "source", "link"]
)
def test_a_route_changes_without_touching_a_foreign_one_to_the_same_destination(
    hub: Any, field: dict[str, str]
) -> None:
    hub.add("route", ROUTE)
    hub.ip("route prepend 10.1.0.0/16 via 10.1.0.99 dev vxkr1 onlink")
    after = ROUTE._replace(**field)
    hub.change("route", ROUTE, after)
    assert hub.observe().routes == (after,)
    assert ("10.1.0.0/16", "10.1.0.99", "vxkr1") in main_routes(hub)
    hub.remove("route", after)
    assert [route for route in main_routes(hub) if route[0] == "10.1.0.0/16"] == [("10.1.0.0/16", "10.1.0.99", "vxkr1")]


def test_removal_of_a_route_that_went_with_its_address_or_link_is_no_error(hub: Any) -> None:
    hub.add("route", ROUTE)
    hub.ip("addr del 10.0.0.1/8 dev kohaku-host")
    hub.remove("route", ROUTE)
    hub.remove("route", ROUTE._replace(link="nolink0"))
    assert hub.observe().routes == ()


def test_routes_of_ipv6_work(hub: Any) -> None:
    hub.set_switch("ipv6/conf/vxkr1/disable_ipv6", "0")
    hub.add("address", Address("vxkr1", "2001:db8:1::1/64"))
    route = Route("2001:db8:2::/64", "2001:db8:1::2", "vxkr1", "2001:db8:1::1")
    hub.add("route", route)
    assert hub.observe().routes == (route,)
    after = route._replace(via="2001:db8:1::3")
    hub.change("route", route, after)
    assert hub.observe().routes == (after,)
    hub.remove("route", after)
    assert hub.observe().routes == ()


@pytest.fixture
def tunnels(host: Any) -> Any:
    """Two links without a MAC, of the kind that wireguard-go makes, with addresses of both families."""
    for name in ("wg0", "wg1"):
        host.ip(f"tuntap add {name} mode tun")
        host.ip(f"link set {name} group 30566 mtu 1420 up")
    host.add("address", Address("wg0", "10.8.0.2/32"), Address("wg0", "fd00:8::2/128"))
    host.add("address", Address("wg1", "10.8.1.2/32"), Address("wg1", "fd00:8:1::2/128"))
    return host


BARE = (Route("192.168.7.0/24", "", "wg0", "10.8.0.2"), Route("fd00:7::/64", "", "wg0", "fd00:8::2"))


@pytest.mark.parametrize("route", BARE)
def test_a_route_needs_no_next_hop_on_a_link_without_macs(tunnels: Any, route: Route) -> None:
    family = "-6 " if ":" in route.destination else ""
    tunnels.add("route", route)
    (shown,) = tunnels.json(f"{family}route show {route.destination}")
    assert (shown["dev"], shown["protocol"]) == ("wg0", "119")
    assert "gateway" not in shown
    assert tunnels.observe().routes == (route,)
    (got,) = tunnels.json(f"{family}route get {route.destination.split('/')[0]}")
    assert got["prefsrc"] == route.source
    tunnels.remove("route", route)
    assert tunnels.observe().routes == ()


@pytest.mark.parametrize("route", BARE)
def test_a_route_without_next_hop_changes_its_link_and_its_source(tunnels: Any, route: Route) -> None:
    """To IPv6 a route that differs in its source alone exists already."""
    six = ":" in route.destination
    second = "fd00:8::9" if six else "10.8.0.9"
    tunnels.add("address", Address("wg0", f"{second}/{128 if six else 32}"))
    tunnels.add("route", route)
    for after in (
        route._replace(source=second),
        route._replace(link="wg1", source="fd00:8:1::2" if six else "10.8.1.2"),
        route._replace(source=second),
    ):
        tunnels.change("route", tunnels.observe().routes[0], after)
        assert tunnels.observe().routes == (after,)


@pytest.mark.parametrize("address", [Address("wg0", "10.8.0.2/32"), Address("wg0", "fd00:8::2/128")])
def test_with_an_address_go_the_routes_that_have_it_as_their_source(tunnels: Any, address: Address) -> None:
    """Of IPv6 the kernel would keep them, without a source, and refuse them when they come again."""
    tunnels.add("route", *BARE)
    gone, stays = BARE if address.address[0] == "1" else BARE[::-1]
    tunnels.remove("address", address)
    assert tunnels.observe().routes == (stays,)
    tunnels.add("address", address)
    tunnels.add("route", gone)
    assert set(tunnels.observe().routes) == set(BARE)


def test_a_foreign_route_with_that_source_is_left_alone(tunnels: Any) -> None:
    tunnels.ip("-6 route add fd00:99::/64 dev wg0 src fd00:8::2")
    tunnels.remove("address", Address("wg0", "fd00:8::2/128"))
    assert [route["dst"] for route in tunnels.json("-6 route show fd00:99::/64")] == ["fd00:99::/64"]


def test_everything_in_one_call_in_the_order_given(host: Any, hub_link: Link, bridge: Link) -> None:
    base = bridge._replace(name="kohaku-host")
    kinds = [("link", base), ("link", hub_link), ("address", HUB), ("address", SIDE), ("route", ROUTE)]
    host.apply(*[Change(ADD, kind, value.key(), None, value) for kind, value in kinds])
    seen = host.observe()
    assert (set(seen.links), set(seen.addresses), seen.routes) == ({base, hub_link}, {HUB, SIDE}, (ROUTE,))
    moved = ROUTE._replace(via="10.1.0.2")
    host.apply(
        Change(CHANGE, "route", ROUTE.key(), ROUTE, moved),
        Change(REMOVE, "route", moved.key(), moved, None),
        Change(REMOVE, "address", SIDE.key(), SIDE, None),
        Change(REMOVE, "link", hub_link.key(), hub_link, None),
        Change(REMOVE, "link", base.key(), base, None),
    )
    seen = host.observe()
    assert (seen.links, seen.addresses, seen.routes) == ((), (), ())
