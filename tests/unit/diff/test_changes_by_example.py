# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A hub with one runner, one thing at a time different: exactly what is done about it, and in which order."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan, runner_plan
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import desired
from ansible_collections.weft.overlay.plugins.module_utils.diff.objects import changes
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl
from tests.unit.diff.worlds import OVERLAYS, PROGRAMS

CAPABLE = Capabilities(dummy=True, firewall="none")
HUB = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", (Spoke("runner1", 1, "192.0.2.1", 1450),))
RUNNER = runner_plan(OVERLAYS[0], Spoke("runner1", 1, "192.0.2.1", 1450), "hub", "192.0.2.250")


def without(values, *names):
    return {key: value for key, value in values.items() if key not in names}


def told(plan, kind, edit):
    """The lines of what is done where `edit` made one kind of the planned state different."""
    state = desired(plan, CAPABLE, PROGRAMS[0]).state
    have = {**state, kind: edit(state[kind])}
    todo = changes(state, have)
    kernel = MemoryKernel(Observed(CAPABLE, have, Foreign()))
    kernel.apply(todo)
    assert changes(state, kernel.observe().state) == ()
    return [str(change) for change in todo]


def edit(name, **fields):
    return lambda values: {**values, name: values[name]._replace(**fields)}


def test_nothing_for_a_host_that_is_as_planned():
    assert told(HUB, kinds.LINK, dict) == []


def test_a_hub_from_nothing():
    state = desired(HUB, CAPABLE, PROGRAMS[0]).state
    assert [str(change) for change in changes(state, {})] == [
        "+ ruleset nft",
        "+ link vxkr1",
        "+ link kohaku-host",
        "+ address vxkr1 10.1.0.254/16",
        "+ address kohaku-host 10.0.0.1/8",
        "+ route 10.1.0.0/16",
        "+ sysctl net.ipv4.ip_forward",
        "+ program program",
        "+ file /usr/local/sbin/weft",
        "+ file /var/lib/weft/plan.json",
        "+ file /etc/systemd/system/weft-overlay.service",
        "+ file /etc/systemd/system/multi-user.target.wants/weft-overlay.service",
    ]


def test_a_bridge_is_made_before_its_port():
    links = [str(change) for change in changes(desired(RUNNER, CAPABLE).state, {}) if change.kind == kinds.LINK]
    assert links == ["+ link kohaku-overlay", "+ link vxlan0"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"remote": "192.0.2.99"}, "remote 192.0.2.99 → 192.0.2.1"),
        ({"mtu": 1400}, "mtu 1400 → 1450"),
        ({"up": False}, "up False → True"),
        ({"alias": "", "grouped": False}, "alias  → weft:runner1, grouped False → True"),
        ({"mac": "02:77:00:00:00:01"}, "mac 02:77:00:00:00:01 → 02:77:00:00:00:65"),
        ({"ipv6": True}, "ipv6 True → False"),
    ],
)
def test_what_can_change_in_place_does(fields, reason):
    assert told(HUB, kinds.LINK, edit("vxkr1", **fields))[0] == f"~ link vxkr1 ({reason})"


@pytest.mark.parametrize("fields", [{"vni": 7}, {"port": 8472}, {"learning": True}, {"vni": 7, "port": 8472}])
def test_what_cannot_change_in_place_is_made_anew_with_all_that_hangs_on_it(fields):
    assert told(HUB, kinds.LINK, edit("vxkr1", **fields)) == [
        f"- link vxkr1 (made anew: {', '.join(fields)} cannot change in place)",
        "+ link vxkr1",
        "+ address vxkr1 10.1.0.254/16",
        "+ route 10.1.0.0/16",
    ]


def test_a_planned_mtu_of_0_leaves_it_to_the_kernel():
    assert told(HUB, kinds.LINK, edit("kohaku-host", mtu=1500)) == []


def test_a_changed_address_takes_the_routes_with_it():
    address = "kohaku-host 10.0.0.1/8"
    assert told(HUB, kinds.ADDRESS, edit(address, prefix_route=False)) == [
        f"~ address {address} (prefix_route False → True)",
        "+ route 10.1.0.0/16",
    ]


def test_an_address_that_the_host_has_twice_takes_no_route_with_it():
    second = Address("vxkr1", "10.0.0.1/32")
    assert told(HUB, kinds.ADDRESS, lambda values: {**values, second.key(): second}) == ["- address vxkr1 10.0.0.1/32"]


def test_a_route_that_is_gone_or_different():
    assert told(HUB, kinds.ROUTE, lambda values: without(values, "10.1.0.0/16")) == ["+ route 10.1.0.0/16"]
    assert told(HUB, kinds.ROUTE, edit("10.1.0.0/16", via="10.1.0.9")) == [
        "~ route 10.1.0.0/16 (via 10.1.0.9 → 10.1.0.1)"
    ]


def test_a_switch_is_set_and_never_unset():
    name = "net.ipv4.ip_forward"
    assert told(HUB, kinds.SYSCTL, edit(name, value="0")) == [f"~ sysctl {name} (value 0 → 1)"]
    assert changes({kinds.SYSCTL: {}}, {kinds.SYSCTL: {name: Sysctl(name, "1")}}) == ()


def test_long_texts_are_named_and_not_shown():
    assert told(HUB, kinds.FILE, edit("/usr/local/sbin/weft", text="drifted")) == ["~ file /usr/local/sbin/weft (text)"]
    assert told(HUB, kinds.RULESET, edit("nft", signature=())) == ["~ ruleset nft (signature)"]


def test_how_a_value_is_brought_about_is_no_difference():
    assert told(HUB, kinds.RULESET, edit("nft", script="another spelling")) == []
    assert told(HUB, kinds.PROGRAM, edit("program", sources=())) == []


def test_a_kind_that_is_not_spoken_of_is_left_alone():
    have = desired(HUB, CAPABLE, PROGRAMS[0]).state
    assert changes({}, have) == ()
    assert {change.kind for change in changes({kinds.ROUTE: {}}, have)} == {kinds.ROUTE}


def test_numbers_in_names_are_counted():
    spokes = tuple(Spoke(f"runner{number}", number, f"192.0.2.{number}", 1450) for number in (1, 2, 10, 11))
    plan = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", spokes)
    added = [change.key for change in changes(desired(plan, CAPABLE).state, {}) if change.kind == kinds.LINK]
    assert added == ["vxkr1", "vxkr2", "vxkr10", "vxkr11", "kohaku-host"]


def test_two_tunnels_swap_their_vnis():
    spokes = tuple(Spoke(f"runner{number}", number, f"192.0.2.{number}", 1450) for number in (1, 2))
    state = desired(hub_plan(OVERLAYS[0], "hub", "192.0.2.250", spokes), CAPABLE).state
    links = state[kinds.LINK]
    swapped = {**links, "vxkr1": links["vxkr1"]._replace(vni=102), "vxkr2": links["vxkr2"]._replace(vni=101)}
    kernel = MemoryKernel(Observed(CAPABLE, {**state, kinds.LINK: swapped}, Foreign()))
    kernel.apply(changes(state, kernel.observe().state))
    assert kernel.observe().state[kinds.LINK] == links


def test_a_link_that_goes_down_has_lost_its_routes_by_then():
    have = desired(HUB, CAPABLE).state
    (route,) = have[kinds.ROUTE].values()
    (address,) = [value for value in have[kinds.ADDRESS].values() if value.link == "kohaku-host"]
    wanted = {
        **have,
        kinds.LINK: {**have[kinds.LINK], route.link: have[kinds.LINK][route.link]._replace(up=False)},
        kinds.ROUTE: {route.key(): route._replace(link=address.link)},
    }
    found = [str(change).split(" (")[0] for change in changes(wanted, have)]
    assert found == [f"~ link {route.link}", f"+ route {route.destination}"]
