# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""WireGuard devices and peers in the diff: what is a difference, in which order, and what stands in the way."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.conflicts import conflicts
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import Moment, desired
from ansible_collections.weft.overlay.plugins.module_utils.diff.objects import changes
from ansible_collections.weft.overlay.plugins.module_utils.diff.peers import DAY, overdue
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, ForeignLink, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import ROUTER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.state import (
    Capabilities,
    Foreign,
    Observed,
    Uplink,
    state_of,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Peer

CAPABLE = Capabilities(dummy=True, firewall="none", wireguard=True)
LINK = Link("wg0", WIREGUARD, "weft:router", "", 1420, ipv6=True)
ALICE, BOB, NEW = ("A" * 43 + "=", "B" * 43 + "=", "N" * 43 + "=")
PLAN = HostPlan(
    host="router",
    role=ROUTER,
    links=(LINK,),
    devices=(Device("wg0", "R" * 43 + "=", 51820),),
    peers=(
        Peer("wg0", ALICE, "alice", ("10.8.0.2/32", "fd00:8::2/128"), preshared=True),
        Peer("wg0", BOB, "bob", ("10.8.0.3/32", "fd00:8::3/128"), preshared=True),
    ),
    addresses=(Address("wg0", "10.8.0.1/24"),),
)


def state(plan=PLAN, **peers):
    """The host as the plan wants it; keywords replace fields of alice as she is observed."""
    found = desired(plan, CAPABLE).state
    seen = {key: peer._replace(name="", expires=None, successor=None) for key, peer in found[kinds.PEER].items()}
    if peers:
        seen[f"wg0 {ALICE}"] = seen[f"wg0 {ALICE}"]._replace(**peers)
    return {**found, kinds.PEER: seen}


def todo(plan, have, peers=None, now=0):
    wanted = desired(plan, CAPABLE, moment=Moment(peers or have.get(kinds.PEER, {}), now)).state
    return [str(change) for change in changes(wanted, have)]


def alice(**fields):
    return PLAN._replace(peers=(PLAN.peers[0]._replace(**fields), PLAN.peers[1]))


def test_a_device_gets_its_key_and_peers_before_it_has_addresses():
    assert [line.split(" (")[0] for line in todo(PLAN, {})] == [
        "+ link wg0",
        "+ wireguard device wg0",
        f"+ wireguard peer wg0 {ALICE}",
        f"+ wireguard peer wg0 {BOB}",
        "+ address wg0 10.8.0.1/24",
    ]


def test_a_link_that_goes_takes_its_device_and_peers_with_it():
    assert todo(HostPlan("router", ROUTER), state()) == ["- link wg0"]


def test_a_link_that_is_made_anew_gets_everything_again():
    other = PLAN._replace(links=(LINK._replace(userspace=True),))
    lines = todo(other, state())
    assert lines[0].startswith("- link wg0")
    assert [line for line in lines if "peer" in line] == [f"+ wireguard peer wg0 {key}" for key in (ALICE, BOB)]


@pytest.mark.parametrize(
    "fields",
    [{"handshake": 1700000000}, {"endpoint": "192.0.2.7:4711"}, {"name": "somebody"}],
)
def test_what_a_living_peer_does_is_no_drift(fields):
    assert todo(PLAN, state(**fields)) == []


@pytest.mark.parametrize(
    "fields",
    [{"allowed_ips": ("10.8.0.2/32",)}, {"preshared": None}, {"preshared": False}, {"keepalive": 5}],
)
def test_drift_of_a_peer_is_mended_alone(fields):
    (line,) = todo(PLAN, state(**fields))
    assert line.startswith(f"~ wireguard peer wg0 {ALICE}")


@pytest.mark.parametrize(
    ("wanted", "seen", "drift"),
    [
        ("vpn.example.net:51820", "192.0.2.1:51820", False),
        ("vpn.example.net:51820", None, False),
        ("192.0.2.1:51820", None, True),
        ("vpn.example.net:51821", "192.0.2.1:51820", True),
        ("192.0.2.1:51820", "192.0.2.1:51820", False),
        ("192.0.2.2:51820", "192.0.2.1:51820", True),
        ("[2001:db8::1]:51820", "[2001:db8::1]:51820", False),
        ("[2001:db8::2]:51820", "[2001:db8::1]:51820", True),
    ],
)
def test_an_endpoint_drifts_by_its_port_or_as_a_literal_address(wanted, seen, drift):
    assert bool(todo(alice(endpoint=wanted), state(endpoint=seen))) is drift


def test_an_expired_peer_is_removed_and_told():
    plan = alice(expires=10 * DAY)
    assert todo(plan, state(), now=10 * DAY - 1) == []
    assert todo(plan, state(), now=10 * DAY) == [f"- wireguard peer wg0 {ALICE}"]
    notes = desired(plan, CAPABLE, moment=Moment({}, 10 * DAY)).notes
    assert notes == ("client alice has expired and has no access any more; renew it, or remove it from the intent",)


def test_an_expiry_is_told_two_weeks_before():
    plan = alice(expires=100 * DAY)
    assert desired(plan, CAPABLE, moment=Moment({}, 80 * DAY)).notes == ()
    assert desired(plan, CAPABLE, moment=Moment({}, 90 * DAY)).notes == ("the access of client alice ends in 10 days",)


def test_a_new_key_waits_beside_the_old_one_until_it_is_used():
    plan = alice(successor=NEW)
    assert todo(plan, state()) == [f"+ wireguard peer wg0 {NEW}"]
    waiting = Peer("wg0", NEW, preshared=True)
    have = state()
    have = {**have, kinds.PEER: {**have[kinds.PEER], waiting.key(): waiting}}
    assert todo(plan, have) == []
    used = {**have[kinds.PEER], waiting.key(): waiting._replace(handshake=1700000000)}
    lines = todo(plan, {**have, kinds.PEER: used})
    assert [line.split(" (")[0] for line in lines] == [f"~ wireguard peer wg0 {NEW}", f"- wireguard peer wg0 {ALICE}"]


def test_what_is_due_is_no_more_than_expiry_and_new_keys_in_use():
    have = state()[kinds.PEER]
    strange = {**have, "wg0 X": Peer("wg0", "X"), f"wg0 {BOB}": have[f"wg0 {BOB}"]._replace(allowed_ips=())}
    assert overdue(PLAN.peers, strange, 5) == ()
    expired = alice(expires=5).peers
    assert [str(change) for change in overdue(expired, have, 5)] == [f"- wireguard peer wg0 {ALICE} (access of alice)"]
    assert overdue(expired, {}, 5) == ()


def test_a_new_key_in_use_is_due_to_take_over():
    planned, have = alice(successor=NEW).peers, state()[kinds.PEER]
    waiting = Peer("wg0", NEW, preshared=True)
    assert overdue(planned, {**have, waiting.key(): waiting}, 5) == ()
    used = waiting._replace(handshake=4)
    first, second = overdue(planned, {**have, used.key(): used}, 5)
    assert (first.key, first.after.allowed_ips) == (f"wg0 {NEW}", PLAN.peers[0].allowed_ips)
    assert (second.action, second.key) == ("remove", f"wg0 {ALICE}")
    done = {used.key(): first.after._replace(handshake=4), f"wg0 {BOB}": have[f"wg0 {BOB}"]}
    assert overdue(planned, done, 5) == ()


def test_an_expired_client_loses_its_new_key_too():
    planned = alice(successor=NEW, expires=5).peers
    have = {**state()[kinds.PEER], f"wg0 {NEW}": Peer("wg0", NEW)}
    assert [change.key for change in overdue(planned, have, 6)] == [f"wg0 {NEW}", f"wg0 {ALICE}"]


def test_an_address_goes_over_to_another_peer_in_one_transaction():
    swapped = PLAN._replace(
        peers=(
            PLAN.peers[0]._replace(allowed_ips=PLAN.peers[1].allowed_ips),
            PLAN.peers[1]._replace(allowed_ips=PLAN.peers[0].allowed_ips),
        )
    )
    kernel = MemoryKernel(Observed(CAPABLE, state(), Foreign()))
    wanted = desired(swapped, CAPABLE).state
    kernel.apply(changes(wanted, kernel.observe().state))
    assert changes(wanted, kernel.observe().state) == ()


def test_a_peer_needs_its_device():
    kernel = MemoryKernel(Observed(CAPABLE, state_of({}), Foreign()))
    peer = desired(PLAN, CAPABLE).state[kinds.PEER]
    with pytest.raises(KernelError, match="no such WireGuard device wg0"):
        kernel.apply(changes({kinds.PEER: peer}, {}))


def faults(plan=PLAN, capabilities=CAPABLE, **foreign):
    return [str(fault) for fault in conflicts(plan, Observed(capabilities, {}, Foreign(**foreign)))]


def test_without_anything_foreign_nothing_is_in_the_way():
    assert faults() == []


def test_wireguard_go_serves_where_the_kernel_has_none():
    plain = Capabilities(dummy=True, firewall="none")
    wanted = desired(PLAN, plain)
    assert wanted.state[kinds.LINK]["wg0"].userspace is True
    assert wanted.notes == ("wg0 is run by wireguard-go: this kernel has no WireGuard",)
    (fault,) = faults(PLAN._replace(links=(LINK._replace(userspace=False),)), plain)
    assert "wants the kernel's WireGuard, and this kernel has none" in fault


def test_a_port_in_use_is_named():
    (fault,) = faults(ports=(53, 51820))
    assert fault.startswith("router: UDP port 51820: is in use by something else, and wg0 is to listen on it")


def test_a_foreign_link_of_that_name_is_named():
    (fault,) = faults(links=(ForeignLink("wg0", "wireguard"),))
    assert "exists and was not made by weft (wireguard)" in fault
    assert fault.endswith("choose another name in interfaces")


def test_vpn_subnets_that_the_host_has_elsewhere_are_named():
    gate = Access("wg0", 51820, ("10.8.0.0/24",), ("10.8.0.1",), (), (), "internet", 1420, "internal")
    plan = PLAN._replace(accesses=(gate,))
    (fault,) = faults(plan, uplinks=(Uplink("10.8.0.9/16", "eth0", 1500),))
    assert "overlaps 10.8.0.0/24, a VPN subnet of wg0" in fault
    (fault,) = faults(plan, routes=(ForeignRoute("10.0.0.0/8", "eth1"), ForeignRoute("0.0.0.0/0", "eth0")))
    assert fault.startswith("router: route 10.0.0.0/8 on eth1: overlaps 10.8.0.0/24")


def test_a_managed_client_does_not_take_its_own_network_into_the_tunnel():
    plan = PLAN._replace(routes=(Route("192.168.1.0/24", "", "wg0", "10.8.0.2"),))
    (fault,) = faults(plan, uplinks=(Uplink("192.168.1.7/24", "eth0", 1500),))
    assert "this host is in that network already" in fault
    assert faults(plan, uplinks=(Uplink("192.168.2.7/24", "eth0", 1500),)) == []
    (fault,) = faults(plan, clients=("192.168.1.200",))
    assert "its replies would go into the tunnel" in fault
