# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The manners that the kernel in memory has from the real one; tests/integration/kernel shows that it has them."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, VXLAN, ForeignLink, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import LoadedPolicy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import Attachment, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.route import UNREACHABLE, ForeignRoute, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import GOTO, LOOKUP, Rule
from ansible_collections.weft.overlay.plugins.module_utils.model.state import (
    Capabilities,
    Foreign,
    Observed,
    state_of,
)

BRIDGE0 = Link("br0", BRIDGE, "weft:hub", "02:77:00:00:00:01")
PORT = Link("vx1", VXLAN, "weft:r1", "02:77:00:00:00:02", 1450, "br0", 101, 4789, "192.0.2.250", "192.0.2.1")
ADDRESS = Address("br0", "10.0.0.1/8")
ROUTE = Route("10.1.0.0/16", "10.1.0.1", "vx1", "10.0.0.1")
FOREIGN = Foreign(
    links=(ForeignLink("eth0", "device"), ForeignLink("theirs", VXLAN, 109, 4789)),
    tables=(ForeignRoute("10.9.0.0/16", "eth0", 119001),),
)
RULE = Rule(4, 73, 1 << 24, 0xFF << 24, LOOKUP, 119001)


@pytest.fixture
def kernel():
    state = state_of(
        {kinds.LINK: (BRIDGE0, PORT), kinds.ADDRESS: (ADDRESS,), kinds.ROUTE: (ROUTE,), kinds.RULE: (RULE,)}
    )
    return MemoryKernel(Observed(Capabilities(True, "none"), state, FOREIGN))


def add(kind, value):
    return Change(ADD, kind, value.key(), None, value)


def change(kind, value, **fields):
    return Change(CHANGE, kind, value.key(), value, value._replace(**fields))


def remove(kind, value):
    return Change(REMOVE, kind, value.key(), value, None)


REFUSED = {
    "link br0: exists already": add(kinds.LINK, BRIDGE0),
    "link gone: does not exist": remove(kinds.LINK, PORT._replace(name="gone")),
    "link away: does not exist": change(kinds.LINK, PORT._replace(name="away"), mtu=1400),
    "link eth0: exists already, and is not ours": add(kinds.LINK, BRIDGE0._replace(name="eth0")),
    "link vx2: VNI 101 is in use": add(kinds.LINK, PORT._replace(name="vx2")),
    "link vx9: VNI 109 is in use": add(kinds.LINK, PORT._replace(name="vx9", vni=109)),
    "link vx3: no such bridge br9": add(kinds.LINK, PORT._replace(name="vx3", vni=103, master="br9")),
    "link vx4: no such bridge vx1": add(kinds.LINK, PORT._replace(name="vx4", vni=104, master="vx1")),
    "link vx1: its vni cannot be changed": change(kinds.LINK, PORT, vni=105),
    "link vx1: its port, learning cannot be changed": change(kinds.LINK, PORT, port=8472, learning=True),
    "address vx9 10.9.0.1/16: no such device vx9": add(kinds.ADDRESS, Address("vx9", "10.9.0.1/16")),
    "route 10.2.0.0/16: no such device vx9": add(kinds.ROUTE, ROUTE._replace(destination="10.2.0.0/16", link="vx9")),
    "route 10.3.0.0/16: 10.0.0.9 is not an address of this host": add(
        kinds.ROUTE, ROUTE._replace(destination="10.3.0.0/16", source="10.0.0.9")
    ),
    "route 10.9.0.0/16 table 119001: exists already, and is not ours": add(
        kinds.ROUTE, Route("10.9.0.0/16", "", "vx1", "", 119001)
    ),
    "routing rule ipv4 73 fwmark 0x1000000/0xff000000 lookup 119001: exists already": add(kinds.RULE, RULE),
    "routing rule ipv4 90 fwmark 0x0/0xff000000 goto: leads back": add(
        kinds.RULE, Rule(4, 90, 0, 0xFF << 24, GOTO, 90)
    ),
}


@pytest.mark.parametrize(("reason", "refused"), REFUSED.items(), ids=REFUSED)
def test_what_a_kernel_refuses_is_refused_and_changes_nothing(kernel, reason, refused):
    before = kernel.observe()
    with pytest.raises(KernelError) as caught:
        kernel.apply([refused])
    assert str(caught.value) == reason
    assert kernel.observe() == before


def test_what_came_before_a_refusal_stays(kernel):
    with pytest.raises(KernelError):
        kernel.apply([remove(kinds.ROUTE, ROUTE), add(kinds.LINK, BRIDGE0), remove(kinds.LINK, PORT)])
    state = kernel.observe().state
    assert (set(state[kinds.LINK]), state[kinds.ROUTE]) == ({"br0", "vx1"}, {})


def test_a_link_takes_its_addresses_and_routes_and_frees_its_ports(kernel):
    kernel.apply([remove(kinds.LINK, BRIDGE0)])
    state = kernel.observe().state
    assert state[kinds.LINK] == {"vx1": PORT._replace(master=None)}
    assert (state[kinds.ADDRESS], state[kinds.ROUTE]) == ({}, {}), "the route's source was an address of the bridge"


def test_an_address_takes_the_routes_whose_source_it_was(kernel):
    kernel.apply([change(kinds.ADDRESS, ADDRESS, prefix_route=False)])
    assert kernel.observe().state[kinds.ROUTE] == {}


def test_an_address_that_is_there_twice_keeps_the_routes(kernel):
    second = Address("vx1", "10.0.0.1/32")
    kernel.apply([add(kinds.ADDRESS, second), remove(kinds.ADDRESS, ADDRESS)])
    assert kernel.observe().state[kinds.ROUTE] == {ROUTE.key(): ROUTE}


def test_a_link_that_goes_down_loses_its_routes_and_gets_none(kernel):
    kernel.apply([change(kinds.LINK, PORT, up=False)])
    assert kernel.observe().state[kinds.ROUTE] == {}
    with pytest.raises(KernelError, match="vx1 is down"):
        kernel.apply([add(kinds.ROUTE, ROUTE)])


def test_routes_of_a_table_go_with_their_link_and_its_refusal_stays(kernel):
    refusal, way = Route("0.0.0.0/0", "", "", "", 119001, UNREACHABLE), Route("10.2.0.0/16", "", "vx1", "", 119001)
    kernel.apply([add(kinds.ROUTE, refusal), add(kinds.ROUTE, way), remove(kinds.ADDRESS, ADDRESS)])
    assert kernel.observe().state[kinds.ROUTE] == {refusal.key(): refusal, way.key(): way}
    kernel.apply([remove(kinds.LINK, PORT)])
    state = kernel.observe().state
    assert (state[kinds.ROUTE], state[kinds.RULE]) == ({refusal.key(): refusal}, {RULE.key(): RULE})


def test_a_route_may_lead_over_a_link_that_is_not_ours(kernel):
    way = Route("10.2.0.0/16", "192.0.2.1", "eth0", "", 119001)
    kernel.apply([add(kinds.ROUTE, way)])
    assert kernel.observe().state[kinds.ROUTE][way.key()] == way


def test_what_was_observed_is_a_copy(kernel):
    before = kernel.observe()
    kernel.apply([remove(kinds.LINK, PORT)])
    assert "vx1" in before.state[kinds.LINK]
    assert kernel.observe().foreign == FOREIGN


POLICY = LoadedPolicy("aa", "01", PolicyMaps(), (("ingress.bpf.o", b""),))
POLICED = Attachment("vx1", 1, 0, 0)


def test_a_policy_and_its_programs_are_there_as_a_host_tells_of_them(kernel):
    kernel.apply([add(kinds.POLICY, POLICY), add(kinds.POLICED, POLICED)])
    state = kernel.observe().state
    assert state[kinds.POLICY] == {"policy": LoadedPolicy("aa", "01")}
    assert state[kinds.POLICED] == {"vx1": POLICED}


@pytest.mark.parametrize(
    ("reason", "before", "refused"),
    [
        ("policy policy: its maps are not here any more", [], add(kinds.POLICY, POLICY._replace(maps=None))),
        ("policy policy: its programs are not here any more", [], add(kinds.POLICY, POLICY._replace(files=()))),
        ("policed interface vx1: there is no policy", [], add(kinds.POLICED, POLICED)),
        (
            "policed interface gone: no such device gone",
            [add(kinds.POLICY, POLICY)],
            add(kinds.POLICED, POLICED._replace(interface="gone")),
        ),
    ],
)
def test_what_cannot_judge_is_refused(kernel, reason, before, refused):
    kernel.apply(before)
    state = kernel.observe()
    with pytest.raises(KernelError) as caught:
        kernel.apply([refused])
    assert str(caught.value) == reason
    assert kernel.observe() == state


def test_what_judged_before_can_judge_again_without_being_told_it_again(kernel):
    other = POLICY._replace(digest="bb", objects="02")
    kernel.apply([add(kinds.POLICY, POLICY), Change(CHANGE, kinds.POLICY, "policy", POLICY, other)])
    kernel.apply([Change(CHANGE, kinds.POLICY, "policy", other, LoadedPolicy("aa", "01"))])
    kernel.apply([remove(kinds.POLICY, POLICY), add(kinds.POLICY, LoadedPolicy("bb", "02"))])
    assert kernel.observe().state[kinds.POLICY] == {"policy": LoadedPolicy("bb", "02")}


def test_programs_go_with_their_link_and_with_their_policy(kernel):
    on_bridge = POLICED._replace(interface="br0", number=2)
    kernel.apply([add(kinds.POLICY, POLICY), add(kinds.POLICED, POLICED), add(kinds.POLICED, on_bridge)])
    kernel.apply([remove(kinds.LINK, PORT)])
    assert kernel.observe().state[kinds.POLICED] == {"br0": on_bridge}
    kernel.apply([remove(kinds.POLICY, POLICY)])
    assert kernel.observe().state[kinds.POLICED] == {}
