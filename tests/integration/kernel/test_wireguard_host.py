# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whole transactions on a host with WireGuard: as planned, nothing left to do, and undone."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import private as keys
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import ConflictError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import PEER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Keys, Peer

ONE, TWO = ("1" * 42 + "A=", "2" * 42 + "A=")


def kernel() -> HostKernel:
    return HostKernel(ask_docker=False)


@pytest.fixture
def wga(wireguard: Any) -> Any:
    """wireguard-go runs, and its link has one mark of ours: systemd, which would start it, is not here."""
    wireguard.start("wga")
    wireguard.ip("link set wga group 30566")
    return wireguard


@pytest.fixture
def plan() -> HostPlan:
    """Of a managed peer; its key is there."""
    return HostPlan(
        host="laptop",
        role=PEER,
        links=(Link("wga", WIREGUARD, "weft:router", "", mtu=1400, ipv6=True, userspace=True, queue=1000),),
        devices=(Device("wga", keys.make_link("wga"), 51820),),
        peers=(
            Peer("wga", ONE, "router", ("10.8.0.0/24", "fd00:8::/64"), 25, True, "192.0.2.1:51820"),
            Peer("wga", TWO, "other", ("10.8.0.9/32",)),
        ),
        addresses=(Address("wga", "10.8.0.2/32"), Address("wga", "fd00:8::2/128")),
        routes=(
            Route("10.8.0.0/24", "", "wga", "10.8.0.2"),
            Route("192.168.7.0/24", "10.8.0.1", "wga", "10.8.0.2"),
            Route("fd00:8::/64", "", "wga", "fd00:8::2"),
            Route("fd00:7::/64", "fd00:8::1", "wga", "fd00:8::2"),
        ),
        sysctls=(Sysctl("net.ipv4.ip_forward", "1"), Sysctl("net.ipv6.conf.all.forwarding", "1")),
    )


@pytest.mark.usefixtures("host", "disk")
def test_a_host_without_wireguard_is_looked_at_without_its_code() -> None:
    seen = kernel().observe()
    assert kinds.DEVICE not in seen.state
    assert seen.keys == Keys()
    assert abs(seen.now - time.time()) < 5
    assert set(seen.capabilities.tools) <= {"wg", "wireguard-go", "qrencode", "openssl", "libbpf"}
    assert {"wg", "wireguard-go"} <= set(seen.capabilities.tools)


def test_a_plan_is_carried_out_at_once_and_a_second_run_has_nothing_to_do(wga: Any, plan: HostPlan) -> None:
    assert converge(plan, kernel()).changes != ()
    seen = kernel().observe()
    assert seen.state[kinds.LINK]["wga"] == plan.links[0]
    assert seen.keys.links == (("wga", plan.devices[0].public_key),)
    assert seen.foreign.ports == ()
    assert converge(plan, kernel()).changes == ()
    assert "allowed ips: 10.8.0.0/24, fd00:8::/64" in wga.wg("show", "wga")


def test_a_service_that_was_started_again_gets_everything_back(wga: Any, plan: HostPlan) -> None:
    """The link is a new one, with the name alone."""
    converge(plan, kernel())
    wga.ip("link del wga")
    wga.start("wga")
    wga.ip("link set wga group 30566")
    lines = {str(change).split(" (")[0] for change in converge(plan, kernel()).changes}
    assert {"~ link wga", "~ wireguard device wga", f"+ wireguard peer wga {ONE}", "+ route fd00:7::/64"} <= lines
    assert converge(plan, kernel()).changes == ()


def test_other_addresses_move_their_routes(wga: Any, plan: HostPlan) -> None:  # noqa: ARG001
    converge(plan, kernel())
    moved = plan._replace(
        addresses=(Address("wga", "10.8.0.3/32"), Address("wga", "fd00:8::3/128")),
        routes=tuple(
            route._replace(source="fd00:8::3" if ":" in route.source else "10.8.0.3") for route in plan.routes
        ),
    )
    converge(moved, kernel())
    assert converge(moved, kernel()).changes == ()


def test_what_fails_is_undone_with_keys_and_peers(wga: Any, plan: HostPlan) -> None:
    converge(plan, kernel())
    before = kernel().observe().state
    dump = sorted(wga.wg("show", "wga", "dump").splitlines())
    second = keys.make_following("wga")
    wrong = plan._replace(
        devices=(Device("wga", second, 51999),),
        peers=(plan.peers[1]._replace(allowed_ips=("10.8.0.0/24",)), Peer("wga", "3" * 42 + "A=", "new")),
        addresses=(Address("wga", "10.8.0.2/32"),),
        # No link of ours has that source.
        routes=(Route("10.99.0.0/16", "", "wga", "10.99.0.1"),),
    )
    with pytest.raises(UndoneError, match="everything was changed back"):
        converge(wrong, kernel())
    assert kernel().observe().state == before
    assert sorted(wga.wg("show", "wga", "dump").splitlines()) == dump
    assert keys.observe() == Keys(links=(("wga", plan.devices[0].public_key),), following=(("wga", second),))


def test_a_plan_of_nothing_takes_everything_away(wga: Any, plan: HostPlan) -> None:
    converge(plan, kernel())
    converge(HostPlan("laptop", PEER), kernel())
    assert wga.names() == {"lo", "near"}
    assert "119" not in wga.ip("-N route") + wga.ip("-6 -N route")


def test_a_port_of_somebody_else_is_a_conflict_before_anything_is_changed(wga: Any, plan: HostPlan) -> None:
    wga.start("wgx")
    wga.ip("link set wgx up")
    wga.wg("set", "wgx", "listen-port", "51820")
    with pytest.raises(ConflictError, match="UDP port 51820: is in use by something else"):
        converge(plan, kernel())
    assert wga.seen("wga").alias == ""


def test_a_tun_device_of_somebody_else_is_a_conflict(wireguard: Any, plan: HostPlan) -> None:
    wireguard.start("wga")
    with pytest.raises(ConflictError, match=r"link wga: exists and was not made by weft \(tun\)"):
        converge(plan, kernel())
