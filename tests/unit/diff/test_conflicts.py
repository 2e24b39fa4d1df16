# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every kind of foreign state that can stand in the way: named, with the way out; and what is in nobody's way."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import (
    Spoke,
    hub_plan,
    isolated_plan,
    runner_plan,
)
from ansible_collections.weft.overlay.plugins.module_utils.diff.conflicts import conflicts
from ansible_collections.weft.overlay.plugins.module_utils.diff.docker import network_changes
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork, SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import Refusal
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute
from ansible_collections.weft.overlay.plugins.module_utils.model.state import (
    Capabilities,
    Foreign,
    Observed,
    Uplink,
)
from tests.unit.diff.worlds import OVERLAYS

SPOKES = tuple(Spoke(f"runner{number}", number, f"192.0.2.{number}", 1450) for number in (1, 2, 3))
HUB = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", SPOKES)
RUNNER = runner_plan(OVERLAYS[0], SPOKES[0], "hub", "192.0.2.250")
ISOLATED = isolated_plan(OVERLAYS[0], "runner1")
(NETWORK,) = RUNNER.networks
(ALONE,) = ISOLATED.networks


def told(plan, firewall="none", **foreign):
    observed = Observed(Capabilities(True, firewall, True), {}, Foreign(**foreign))
    return [str(fault) for fault in conflicts(plan, observed)]


def seen(network, ours=True, containers=(), subnets=None):
    return SeenNetwork(network, ours, (network.subnet,) if subnets is None else subnets, containers)


def other(subnet, name="shop", bridge=None):
    return seen(DockerNetwork(name, subnet, "", bridge, 0, True), ours=False)


@pytest.mark.parametrize(
    "plan", [HUB, RUNNER, ISOLATED], ids=lambda plan: (plan.networks and plan.networks[0].name) or "hub"
)
def test_an_ordinary_host_is_in_nobodys_way(plan):
    routes = [("0.0.0.0/0", "eth0"), ("192.0.2.0/24", "eth0"), ("172.17.0.0/16", "docker0"), ("::/0", "eth0")]
    assert (
        told(
            plan,
            links=(
                ForeignLink("eth0", "device"),
                ForeignLink("docker0", "bridge"),
                ForeignLink("vx", "vxlan", 101, 8472),
            ),
            routes=tuple(ForeignRoute(*route) for route in routes),
            uplinks=(Uplink("192.0.2.1/24", "eth0", 1500), Uplink("2001:db8::1/64", "eth0", 1500)),
            networks=(other("172.17.0.0/16", "bridge"), other("192.168.0.0/20"), seen(NETWORK), seen(ALONE)),
            pools=("172.17.0.0/16", "192.168.0.0/16"),
            clients=("192.0.2.99", "2001:db8::99"),
        )
        == []
    )


@pytest.mark.fault("F16")
def test_a_link_of_our_name():
    assert told(HUB, links=(ForeignLink("vxkr2", "dummy"),)) == [
        (
            "hub: link vxkr2: exists and was not made by weft (dummy); remove or rename it, or choose another name in "
            "overlay.names"
        )
    ]
    assert (
        len(told(RUNNER, links=(ForeignLink("vxlan0", "vxlan", 9, 4789), ForeignLink("kohaku-overlay", "bridge")))) == 2
    )


def test_a_foreign_tunnel_number_beside_ours_is_nothing():
    assert told(HUB, links=(ForeignLink("vxkr9", "vxlan", 109, 4789),)) == []


def test_a_foreign_tunnel_with_our_vni_and_port():
    assert told(HUB, links=(ForeignLink("other", "vxlan", 103, 4789),)) == [
        (
            "hub: link other: holds VNI 103 on UDP 4789, which vxkr3 needs, and was not made by weft; remove it, or "
            "choose another overlay.base_vni or overlay.port"
        )
    ]


def test_a_foreign_tunnel_with_our_name_and_vni_is_one_conflict():
    assert len(told(HUB, links=(ForeignLink("vxkr3", "vxlan", 103, 4789),))) == 1


@pytest.mark.parametrize("destination", ["10.99.0.0/16", "10.0.0.0/8", "10.0.0.0/7", "10.1.2.3/32"])
@pytest.mark.parametrize(("link", "through"), [("eth1", " on eth1"), (None, "")])
def test_a_route_into_the_overlay(destination, link, through):
    assert told(HUB, routes=(ForeignRoute(destination, link),)) == [
        (
            f"hub: route {destination}{through}: overlaps 10.0.0.0/8 and was not made by weft; remove it or choose "
            "another overlay.cidr"
        )
    ]


@pytest.mark.parametrize("destination", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "11.0.0.0/8", "::/0", "fd00::/8"])
def test_a_default_route_or_one_elsewhere_is_nothing(destination):
    assert told(HUB, routes=(ForeignRoute(destination, "eth0"),)) == []


def test_the_hosts_own_network_is_told_once_and_not_as_a_route_too():
    network = {"uplinks": (Uplink("10.7.0.5/16", "eth1", 1500),), "routes": (ForeignRoute("10.7.0.0/16", "eth1"),)}
    assert told(HUB, **network) == [
        "hub: address 10.7.0.5/16 on eth1: overlaps 10.0.0.0/8; choose an overlay.cidr that no host uses"
    ]


def test_a_route_to_the_same_network_over_another_link_is_told():
    network = {"uplinks": (Uplink("10.7.0.5/16", "eth1", 1500),), "routes": (ForeignRoute("10.7.0.0/16", "eth2"),)}
    assert len(told(HUB, **network)) == 2


def test_a_docker_network_of_our_name_without_our_label():
    assert told(RUNNER, networks=(seen(NETWORK, ours=False),)) == [
        (
            "runner1: Docker network kohakuriver-overlay: was not made by weft; remove it (docker network rm "
            "kohakuriver-overlay) or choose another name in overlay.names"
        )
    ]


@pytest.mark.parametrize(
    ("plan", "subnet", "space"), [(RUNNER, "10.50.0.0/24", "10.0.0.0/8"), (ISOLATED, "172.30.7.0/24", "172.30.0.0/16")]
)
def test_a_docker_network_within_our_space(plan, subnet, space):
    (line,) = told(plan, networks=(other(subnet),))
    assert line.startswith(
        f"runner1: Docker network shop: has the subnet {subnet}, which overlaps {space}, and was not made"
    )


def test_a_docker_network_with_a_second_subnet_within_our_space():
    network = seen(
        DockerNetwork("shop", "192.168.0.0/24", "", None, 0, True), False, (), ("192.168.0.0/24", "10.9.0.0/24")
    )
    assert len(told(RUNNER, networks=(network,))) == 1


def test_a_pool_of_docker_within_the_overlay():
    (line,) = told(RUNNER, pools=("10.96.0.0/16", "172.17.0.0/16"))
    assert line.startswith("runner1: Docker's address pool 10.96.0.0/16: overlaps the overlay 10.0.0.0/8; ")
    assert line.endswith("default-address-pools in /etc/docker/daemon.json")


def test_a_network_that_must_be_made_anew_is_not_pulled_from_under_its_containers():
    old = NETWORK._replace(mtu=1400, reserved=())
    assert told(RUNNER, networks=(seen(old, containers=("db", "web")),)) == [
        (
            "runner1: Docker network kohakuriver-overlay: must be made anew (mtu, reserved changed) but containers run "
            "in it; stop them first: docker stop db web"
        )
    ]


def test_a_network_that_is_no_longer_wanted_is_not_pulled_from_under_its_containers():
    assert told(ISOLATED, networks=(seen(NETWORK, containers=("db",)),)) == [
        (
            "runner1: Docker network kohakuriver-overlay: is no longer wanted but containers run in it; "
            "stop them first: docker stop db"
        )
    ]


@pytest.mark.parametrize("network", [NETWORK, NETWORK._replace(mtu=1400)])
def test_containers_or_a_change_alone_are_no_conflict(network):
    assert told(RUNNER, networks=(seen(network, containers=("db",) if network == NETWORK else ()),)) == []


@pytest.mark.fault("F10")
@pytest.mark.parametrize("plan", [HUB, RUNNER])
def test_an_operator_who_comes_from_within_the_overlay(plan):
    assert told(plan, clients=("10.8.0.2",)) == [
        (
            f"{plan.host}: ssh session from 10.8.0.2: comes from within 10.0.0.0/8: its replies would be cut off; "
            "choose another overlay.cidr"
        )
    ]


def test_a_firewalld_zone_that_does_not_exist():
    assert told(HUB, firewall="firewalld", zones=("public", "home")) == [
        "hub: firewalld zone trusted: does not exist here; create it, or name one of home, public"
    ]
    assert told(HUB, firewall="firewalld", zones=("trusted",)) == []
    assert told(HUB, firewall="iptables-nft") == []


@pytest.mark.parametrize(
    "prefixes", [(None, None), ("10.0.0.0/8", None), (None, "0.0.0.0/0"), ("10.0.0.0/7", "10.0.0.0/8")]
)
def test_a_rule_that_refuses_all_of_the_overlay(prefixes):
    (fault,) = told(HUB, refusals=(Refusal("iptables rule -A FORWARD -j DROP", *prefixes),))
    assert fault.startswith("hub: iptables rule -A FORWARD -j DROP: refuses forwarding before")


@pytest.mark.parametrize("prefixes", [("10.1.0.0/16", None), ("10.0.0.0/8", "192.0.2.0/24"), (None, "fd00::/8")])
def test_a_rule_that_refuses_a_part_is_the_operators_policy(prefixes):
    assert told(HUB, refusals=(Refusal("iptables rule", *prefixes),)) == []
    assert told(ISOLATED, refusals=(Refusal("iptables rule", None, None),)) == []


def test_what_an_adapter_found_is_passed_on():
    assert told(HUB, faults=(("file /usr/local/sbin/weft", "is somebody else's"),)) == [
        "hub: file /usr/local/sbin/weft: is somebody else's"
    ]


def test_everything_is_told_at_once():
    assert (
        len(
            told(
                HUB,
                links=(ForeignLink("vxkr1", "dummy"),),
                routes=(ForeignRoute("10.9.0.0/16", "e"),),
                clients=("10.8.0.2",),
            )
        )
        == 3
    )


def test_networks_are_made_removed_and_made_anew():
    def todo(plan, *networks):
        found = network_changes(plan, Foreign(networks=networks))
        return found.remove, tuple(network.name for network in found.create)

    assert todo(RUNNER) == ((), ("kohakuriver-overlay",))
    assert todo(RUNNER, seen(NETWORK)) == ((), ())
    assert todo(RUNNER, seen(NETWORK._replace(mtu=1400))) == (("kohakuriver-overlay",), ("kohakuriver-overlay",))
    assert todo(ISOLATED, seen(NETWORK)) == (("kohakuriver-overlay",), ("kohakuriver-net",))
    assert todo(HUB, seen(NETWORK), other("192.168.0.0/20")) == (("kohakuriver-overlay",), ())
