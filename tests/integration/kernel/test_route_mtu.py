# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The MTU of a route as iproute2 sees it, and as packets meet it that a router forwards."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import MAIN_TABLE, ForeignRoute, Route
from ansible_collections.weft.overlay.tests.integration.kernel.network_hosts import (
    ADDRESSES,
    DESTINATIONS,
    SINK_PORT,
    Router,
    ways,
)

MTU = 1300
TABLE = 119001
# Bytes of UDP in a packet of 1400 and in one of 1300, by family.
LARGE = {4: 1400 - 28, 6: 1400 - 48}
FITTING = {4: MTU - 28, 6: MTU - 48}

FAMILIES = pytest.mark.parametrize("family", [4, 6])

# Sends one datagram of so many bytes from a port, with DF or without, and prints what the path said: the next MTU, or
# null after some time.
_SEND = """
import json, select, socket, struct, sys
address, target, port, size, whole = json.loads(sys.argv[1])
six = ":" in address
door = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
level, errors, discover = (socket.IPPROTO_IPV6, 25, 23) if six else (socket.IPPROTO_IP, 11, 10)
# PMTUDISC_PROBE: sent whole, whatever is known of the path; PMTUDISC_DONT: others may cut it up.
door.setsockopt(level, discover, 3 if whole else 0)
door.setsockopt(level, errors, 1)
door.bind(("", port))
door.connect((address, target))
door.send(bytes(size))
told = None
poll = select.poll()
poll.register(door, select.POLLERR)
if poll.poll(500):
    _data, ancillary, _flags, _from = door.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
    for found, kind, data in ancillary:
        if (found, kind) == (level, errors):
            told = struct.unpack_from("=IBBBBI", data)[5]
print(json.dumps(told))
"""

# Prints the lengths of all IP packets to the address that it saw, some time after its standard input has ended.
_SNIFF = """
import json, select, socket, sys
address = sys.argv[1]
six = ":" in address
door = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD if six else 0x0800))
door.bind(("far", 0x86DD if six else 0x0800))
raw = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)
print("ready", flush=True)
lengths, ended = [], False
while True:
    ready, _, _ = select.select([door] if ended else [door, sys.stdin], [], [], 0.3 if ended else None)
    if ended and not ready:
        break
    ended = ended or sys.stdin in ready
    if door in ready:
        packet = door.recv(1 << 16)
        if packet[24:40] == raw if six else packet[16:20] == raw:
            lengths.append(len(packet))
print(json.dumps(lengths))
"""


@pytest.fixture
def router(host: Any) -> Iterator[Router]:
    with Router(host) as found:
        yield found


def send(router: Router, family: int, tag: int, size: int, whole: bool) -> tuple[list[int], int | None]:
    """One datagram of a network. Lengths of the packets that came to its next hop, and the MTU that its sender was told
    of."""
    said = json.dumps([ADDRESSES[family], SINK_PORT, tag, size, whole])
    return router.watched(
        [sys.executable, "-c", _SNIFF, ADDRESSES[family]], lambda: router.asked([sys.executable, "-c", _SEND, said])
    )


def plan_of(mtu: int) -> HostPlan:
    """Networks 1, which has an MTU, and 2, which has none."""
    routes = {"one": [route.narrowed(mtu, 1500) for route in ways(1)], "two": ways(2)}
    tables = routing({"one": 1, "two": 2}, routes)
    return HostPlan("hub", HUB, routes=tables.routes, rules=tables.rules)


def kernel() -> HostKernel:
    return HostKernel(ask_docker=False)


@pytest.mark.fault("F40")
@pytest.mark.usefixtures("disk")
@FAMILIES
def test_what_is_larger_than_a_networks_mtu_is_answered_and_its_sender_told(router: Router, family: int) -> None:
    converge(plan_of(MTU), kernel())
    assert send(router, family, 1, LARGE[family], whole=True) == ([], MTU)
    assert send(router, family, 1, FITTING[family], whole=True) == ([MTU], None)
    # Another network's passes, and so does what is of none.
    assert send(router, family, 2, LARGE[family], whole=True) == ([1400], None)
    assert send(router, family, 255, LARGE[family], whole=True) == ([1400], None)


@pytest.mark.usefixtures("disk")
def test_what_may_be_cut_up_is_in_fragments_of_that_size(router: Router) -> None:
    converge(plan_of(MTU), kernel())
    lengths, told = send(router, 4, 1, LARGE[4], whole=False)
    assert told is None
    # All but the last carry a multiple of eight bytes; each has a header of twenty.
    assert lengths == [20 + 1280, 20 + 1400 - 20 - 1280]
    assert send(router, 4, 2, LARGE[4], whole=False) == ([1400], None)


@pytest.mark.usefixtures("disk")
@FAMILIES
def test_a_change_of_the_mtu_is_met_at_once_and_without_one_the_links_counts(router: Router, family: int) -> None:
    for mtu, packet in ((0, 1400), (MTU, None), (1400, 1400), (MTU, None), (0, 1400)):
        converge(plan_of(mtu), kernel())
        lengths = [] if packet is None else [packet]
        assert send(router, family, 1, LARGE[family], whole=True) == (lengths, None if lengths else MTU)


@pytest.mark.usefixtures("disk", "router")
@pytest.mark.parametrize("metrics", ["mtu 1300", "", "mtu lock 1400", "mtu 1400", "mtu lock 1300 advmss 1000"])
@FAMILIES
def test_a_route_whose_mtu_somebody_changed_is_mended(host: Any, family: int, metrics: str) -> None:
    """An MTU that is not locked is none that IPv6 forwards by."""
    plan = plan_of(MTU)
    converge(plan, kernel())
    wanted = shown(host, family)
    assert " mtu lock 1300 " in wanted
    route = ways(1)[family == 6]
    host.ip(
        f"-{family} route replace {route.destination} via {route.via} dev near onlink proto 119 table {TABLE} {metrics}"
    )
    drifted = shown(host, family)
    outcome = converge(plan, kernel())
    if "advmss" in metrics:
        # What else a route has is nobody's concern.
        assert (outcome.changes, shown(host, family)) == ((), drifted)
        return
    assert [str(change).split(" (")[0] for change in outcome.changes] == [f"~ route {route.destination} table {TABLE}"]
    assert shown(host, family) == wanted
    assert converge(plan, kernel()).changes == ()


def shown(host: Any, family: int) -> str:
    """The routes of network 1, as iproute2 spells them."""
    found: str = host.ip(f"-{family} route show {DESTINATIONS[family == 6]} table {TABLE}")
    return found


@pytest.mark.usefixtures("router")
@pytest.mark.parametrize("table", [TABLE, MAIN_TABLE])
@pytest.mark.parametrize("which", [0, 1])
def test_routes_change_their_mtu_in_every_table_and_go(host: Any, table: int, which: int) -> None:
    """Also into one that is not locked, as when a change is undone."""
    route = ways(1)[which]._replace(destination=("10.51.0.0/16", "fd00:51::/64")[which], table=table)
    host.add("route", route)
    before = route
    for after in (
        route._replace(mtu=1300),
        route._replace(mtu=1400),
        route._replace(mtu=1400, locked=False),
        route._replace(mtu=1400),
        route,
    ):
        host.change("route", before, after)
        assert host.observe().routes == (after,)
        before = after
    host.remove("route", before)
    assert host.observe().routes == ()


def test_a_route_with_an_mtu_goes_although_somebody_has_one_to_the_same_destination(host: Any, router: Router) -> None:
    assert router
    route = ways(1)[0]._replace(destination="10.51.0.0/16", mtu=1300)
    host.ip("route add 10.51.0.0/16 via 10.60.0.9 metric 5 mtu 1350")
    host.add("route", route._replace(mtu=1300))
    host.change("route", route, route._replace(mtu=1310))
    host.remove("route", route._replace(mtu=1310))
    assert host.observe().routes == ()
    theirs = ForeignRoute("10.51.0.0/16", "near", MAIN_TABLE, "10.60.0.9", 5, mtu=1350)
    assert [found for found in host.observe().foreign_routes if found.destination == "10.51.0.0/16"] == [theirs]


def test_a_link_of_others_is_seen_with_its_mtu(host: Any) -> None:
    host.ip("link add veth0 mtu 1380 type veth peer name veth1")
    assert {link.name: link.mtu for link in host.observe().foreign_links} == {"lo": 65536, "veth0": 1380, "veth1": 1500}


def test_the_kernels_largest_mtu_of_a_route_is_ours(host: Any, router: Router) -> None:
    assert router
    (route, _six) = ways(1)
    host.add("route", route._replace(table=TABLE).narrowed(65535, 0))
    assert [found.mtu for found in host.observe().routes] == [65520]
    assert Route("10.0.0.0/8", "", "near", "").narrowed(65535, 65520).mtu == 0
