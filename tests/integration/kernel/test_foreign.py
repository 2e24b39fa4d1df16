# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is not ours: recognised, reported, and never touched."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Uplink


@pytest.mark.fault("F16")
def test_foreign_links_are_told_from_ours(host: Any, hub_link: Link) -> None:
    host.add("link", hub_link)
    host.ip("link add vxkr9 type vxlan id 109 dstport 8472 remote 198.18.0.19")
    host.ip("link add br0 alias notweft:x type bridge")
    host.ip("link add veth0 type veth peer name veth1")
    seen = host.observe()
    assert set(seen.foreign_links) == {
        ForeignLink("lo", "", mtu=65536),
        ForeignLink("vxkr9", "vxlan", 109, 8472, 1500),
        ForeignLink("br0", "bridge", mtu=1500),
        ForeignLink("veth0", "veth", mtu=1500),
        ForeignLink("veth1", "veth", mtu=1500),
    }
    assert seen.links == (hub_link,)


def test_one_mark_of_two_is_enough_to_be_ours(host: Any) -> None:
    host.ip("link add a0 group 30565 type bridge")
    host.ip("link add b0 type bridge")
    host.ip("link set b0 alias weft:runner7")
    found = {link.name: link for link in host.observe().links}
    assert (found["a0"].grouped, found["a0"].alias) == (True, "")
    assert (found["b0"].grouped, found["b0"].alias) == (False, "weft:runner7")


def test_foreign_routes_are_those_that_somebody_else_made(host: Any, hub_link: Link) -> None:
    host.ip("link add eth0 type veth peer name peer0")
    host.ip("link set eth0 up")
    host.ip("link set peer0 up")
    host.ip("addr add 198.18.0.10/24 dev eth0")
    host.ip("addr add 2001:db8::10/64 dev eth0 nodad")
    host.add("link", hub_link)
    host.add("address", Address("vxkr1", "10.1.0.254/16"))
    host.add("route", Route("10.2.0.0/16", "10.1.0.1", "vxkr1", "10.1.0.254"))
    for command in (
        "default via 198.18.0.1",
        "10.5.0.0/16 dev vxkr1",
        "blackhole 10.6.0.0/16",
        "unreachable 10.7.0.0/16",
        "prohibit 10.8.0.0/16",
        "10.9.0.0/16 nexthop via 198.18.0.2 nexthop via 198.18.0.3",
        "10.10.0.0/16 via 198.18.0.2 table 77",
        "10.11.0.0/16 via inet6 fe80::1 dev eth0",
        "default via 198.18.0.9 metric 700",
    ):
        host.ip(f"route add {command}")
    host.ip("-6 route add 2001:db8:5::/48 via 2001:db8::1")
    host.ip("-6 route add blackhole 2001:db8:6::/48")
    host.ip("-6 route add 2001:db8:7::/48 via fe80::1 dev eth0")
    seen = host.observe()
    assert set(seen.foreign_routes) == {
        ForeignRoute("0.0.0.0/0", "eth0", via="198.18.0.1"),
        ForeignRoute("0.0.0.0/0", "eth0", via="198.18.0.9", metric=700),
        ForeignRoute("198.18.0.0/24", "eth0"),
        ForeignRoute("10.5.0.0/16", "vxkr1"),
        ForeignRoute("10.6.0.0/16", None, type="blackhole"),
        ForeignRoute("10.7.0.0/16", None, type="unreachable"),
        ForeignRoute("10.8.0.0/16", None, type=""),
        ForeignRoute("10.9.0.0/16", "eth0", via="198.18.0.2"),
        # Its next hop is of the other family.
        ForeignRoute("10.11.0.0/16", "eth0", type=""),
        ForeignRoute("2001:db8::/64", "eth0", metric=256),
        ForeignRoute("2001:db8:5::/48", "eth0", via="2001:db8::1", metric=1024),
        ForeignRoute("2001:db8:6::/48", "lo", metric=1024, type="blackhole"),
        ForeignRoute("2001:db8:7::/48", "eth0", via="fe80::1", metric=1024),
    }
    assert [route.destination for route in seen.routes] == ["10.2.0.0/16"]


def test_uplinks_are_addresses_of_the_host_with_the_mtu_of_their_link(host: Any, hub_link: Link) -> None:
    host.ip("link add eth0 mtu 1400 type veth peer name peer0")
    host.ip("link set eth0 up")
    host.ip("link set peer0 up")
    host.ip("addr add 198.18.0.10/24 dev eth0")
    host.ip("addr add 192.0.2.1 peer 192.0.2.2/32 dev eth0")
    host.ip("addr add 2001:db8::10/64 dev eth0 nodad")
    host.add("link", hub_link)
    host.add("address", Address("vxkr1", "10.1.0.254/16"))
    assert set(host.observe().uplinks) == {
        Uplink("198.18.0.10/24", "eth0", 1400),
        Uplink("192.0.2.1/32", "eth0", 1400),
        Uplink("2001:db8::10/64", "eth0", 1400),
    }


@pytest.mark.fault("F03", "F16")
def test_a_whole_life_of_ours_leaves_foreign_state_as_it_was(host: Any, hub_link: Link) -> None:
    host.ip("link add vxkr9 type vxlan id 109 dstport 4789 remote 198.18.0.19")
    host.ip("link set vxkr9 up")
    host.ip("addr add 10.9.0.254/16 dev vxkr9")
    host.ip("route add 10.90.0.0/16 via 10.9.0.1 dev vxkr9")
    before = (host.json("link"), host.json("addr"), host.json("route show table all"))
    second = hub_link._replace(name="vxkr2", vni=102)
    side = Address("vxkr1", "10.1.0.254/16", prefix_route=False)
    route = Route("10.1.0.0/16", "10.1.0.1", "vxkr1", "10.1.0.254")
    host.add("link", hub_link, second)
    host.add("address", side)
    host.add("route", route)
    host.remove("route", route)
    host.remove("address", side)
    host.remove("link", hub_link, second)
    assert (host.json("link"), host.json("addr"), host.json("route show table all")) == before
