# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Host-wide switches."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import clear, converge
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import moment_of
from ansible_collections.weft.overlay.plugins.module_utils.diff.origins import origins_of
from ansible_collections.weft.overlay.plugins.module_utils.kernel import sysctl
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.origin import Origin
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl

FORWARD = "net.ipv4.ip_forward"
FORWARD6 = "net.ipv6.conf.all.forwarding"

# A router's advertisement (RFC 4861, 4.2): hop limit 64, for half an hour.
_ADVERTISE = """
import socket, struct
door = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
door.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0, 0, socket.if_nametoindex("far")))
"""


def test_a_switch_is_read_and_written(host: Any) -> None:
    assert sysctl.read([FORWARD]) == {FORWARD: Sysctl(FORWARD, "0")}
    sysctl.apply([Change(CHANGE, "sysctl", FORWARD, Sysctl(FORWARD, "0"), Sysctl(FORWARD, "1"))])
    assert host.switch("ipv4/ip_forward") == "1"
    assert sysctl.read([FORWARD]) == {FORWARD: Sysctl(FORWARD, "1")}


def test_a_removal_leaves_the_switch_to_the_others(host: Any) -> None:
    host.set_switch("ipv4/ip_forward", "1")
    sysctl.apply([Change(REMOVE, "sysctl", FORWARD, Sysctl(FORWARD, "1"), None)])
    assert host.switch("ipv4/ip_forward") == "1"


@pytest.mark.usefixtures("host")
def test_a_switch_that_the_kernel_lacks_is_left_out_and_cannot_be_written() -> None:
    name = "net.ipv4.no_such_switch"
    assert sysctl.read([name]) == {}
    with pytest.raises(KernelError, match=r"^sysctl net\.ipv4\.no_such_switch: this kernel has no such switch$"):
        sysctl.apply([Change(ADD, "sysctl", name, None, Sysctl(name, "1"))])


@pytest.mark.usefixtures("host")
def test_a_value_that_the_kernel_refuses() -> None:
    with pytest.raises(KernelError, match=r"^sysctl net\.ipv4\.ip_forward: Invalid argument$"):
        sysctl.apply([Change(ADD, "sysctl", FORWARD, None, Sysctl(FORWARD, "maybe"))])


def routers(host: Any) -> list[str]:
    return [route["dev"] for route in host.json("-6 route show default") if route["protocol"] == "ra"]


def advertise(wireguard: Any) -> None:
    """The other host says that it is a router; returns when this one must have heard it."""
    wireguard.far.run(sys.executable, "-c", _ADVERTISE)
    time.sleep(0.2)


@pytest.fixture
def uplink(wireguard: Any) -> Any:
    """A host that has its default route from a router."""
    end = time.monotonic() + 10
    while not routers(wireguard):
        assert time.monotonic() < end, "no default route was learned"
        # Not before the router has its link-local address.
        address, routes = (wireguard.far.run("ip", "-6", noun) for noun in ("address", "route"))
        if "tentative" not in address and "fe80::/64 dev far" in routes:
            advertise(wireguard)
    return wireguard


class Switches:
    """A host of which nothing but switches is looked at; what was before is remembered here."""

    def __init__(self) -> None:
        self.before: dict[str, Origin] = {}

    def observe(self) -> Observed:
        names = [origin.name for origin in self.before.values()]
        return Observed(
            Capabilities(True, "none"), {"sysctl": sysctl.observe(names), "original": self.before}, Foreign()
        )

    def apply(self, changes: Any) -> None:
        for change in changes:
            if change.kind == "sysctl":
                sysctl.apply([change])
            elif change.action == ADD:
                self.before[change.key] = change.after
            else:
                del self.before[change.key]


PLAN = HostPlan("here", "peer", sysctls=(Sysctl(FORWARD, "1"), Sysctl(FORWARD6, "1")))


def forward() -> Switches:
    kernel = Switches()
    moment = moment_of(kernel.observe())
    kernel.before = {origin.key(): origin for origin in origins_of(PLAN, moment.switches, {})}
    converge(PLAN, kernel)
    return kernel


def test_a_host_that_forwards_ipv6_keeps_the_router_that_it_has(uplink: Any) -> None:
    uplink.ip("link add name off type bridge")
    uplink.set_switch("ipv6/conf/off/accept_ra", "0")
    forward()
    assert uplink.switch("ipv6/conf/all/forwarding") == "1"
    assert routers(uplink) == ["near"]
    uplink.ip("-6 route del default")
    advertise(uplink)
    assert routers(uplink) == ["near"]
    switches = {name: uplink.switch(f"ipv6/conf/{name}/accept_ra") for name in ("near", "off", "lo", "default")}
    assert switches == {"near": "2", "off": "0", "lo": "1", "default": "1"}


def test_without_us_it_would_lose_it(uplink: Any) -> None:
    uplink.set_switch("ipv6/conf/all/forwarding", "1")
    assert routers(uplink) == []
    assert sysctl.read([FORWARD6]) == {FORWARD6: Sysctl(FORWARD6, "1")}


def all_switches() -> dict[str, str]:
    return {str(path): path.read_text() for path in Path("/proc/sys/net").glob("ipv[46]/conf/*/*") if _readable(path)}


def _readable(path: Path) -> bool:
    # The secret of a link's addresses cannot be read where there is none.
    return bool(path.stat().st_mode & 0o400) and path.name != "stable_secret"


def test_what_it_was_before_comes_back_with_all_that_the_kernel_changes_along_with_it(uplink: Any) -> None:
    uplink.ip("link add own type bridge")
    for name in ("ipv4/conf/own/forwarding", "ipv6/conf/own/forwarding", "ipv4/conf/default/forwarding"):
        uplink.set_switch(name, "1")
    uplink.set_switch("ipv4/conf/all/accept_redirects", "0")
    before = all_switches()
    kernel = forward()
    assert uplink.switch("ipv6/conf/near/accept_ra") == "2"
    assert uplink.switch("ipv4/conf/near/forwarding") == "1"
    assert converge(PLAN, kernel).changes == ()
    clear(kernel)
    assert all_switches() == before
    assert kernel.before == {}
    assert clear(kernel).changes == ()


def test_a_link_that_is_gone_takes_its_switches_with_it(uplink: Any) -> None:
    uplink.ip("link add own type bridge")
    kernel = forward()
    assert "sysctl net/ipv6/conf/own/accept_ra" in kernel.before
    uplink.ip("link del own")
    clear(kernel)
    assert uplink.switch("ipv6/conf/near/accept_ra") == "1"


def test_a_switch_of_a_link_that_somebody_else_has_changed_since_is_theirs(uplink: Any) -> None:
    kernel = forward()
    uplink.set_switch("ipv6/conf/near/accept_ra", "0")
    assert clear(kernel).notes == (
        "net/ipv6/conf/near/accept_ra stays 0: somebody else has changed it since (before weft it was 1)",
    )
    assert uplink.switch("ipv6/conf/near/accept_ra") == "0"
