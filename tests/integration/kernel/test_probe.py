# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Probes find who answers, and how large a packet may be on the way, without any program of the host."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.probe import probe
from ansible_collections.weft.overlay.plugins.module_utils.model.probe import Answer, Probe

from .conftest import Host

FAR = ("10.99.2.3", "fd99:2::3")
NEAR = ("10.99.1.2", "fd99:1::2")


@pytest.fixture
def router(host: Host) -> Iterator[str]:
    """The name of a router in another namespace; behind it is a host in a third, on a link of 1337 octets."""
    middle, far = (f"weft-probe-{name}-{os.getpid()}" for name in ("middle", "far"))
    # Link-local addresses are there at once, and not a second later.
    host.set_switch("ipv6/conf/default/accept_dad", "0")
    for name in (middle, far):
        host.ip(f"netns add {name}")
    try:
        for name in (middle, far):
            _switch(name, "net.ipv6.conf.default.accept_dad=0")
        host.ip(f"link add near0 type veth peer name near1 netns {middle}")
        host.ip(f"-n {middle} link add far1 mtu 1337 type veth peer name far0 netns {far}")
        host.ip(f"-n {far} link set far0 mtu 1337")
        places = (
            ("", "near0", "10.99.1.1/24", "fd99:1::1/64"),
            (f"-n {middle} ", "near1", "10.99.1.2/24", "fd99:1::2/64"),
            (f"-n {middle} ", "far1", "10.99.2.2/24", "fd99:2::2/64"),
            (f"-n {far} ", "far0", "10.99.2.3/24", "fd99:2::3/64"),
        )
        for where, link, *addresses in places:
            for address in addresses:
                host.ip(f"{where}address add {address} dev {link}{' nodad' if ':' in address else ''}")
            host.ip(f"{where}link set {link} up")
        for where, via in (("", NEAR), (f"-n {far} ", ("10.99.2.2", "fd99:2::2"))):
            host.ip(f"{where}route add default via {via[0]}")
            host.ip(f"{where}-6 route add default via {via[1]}")
        _switch(middle, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        yield middle
    finally:
        for name in (middle, far):
            host.ip(f"netns delete {name}")


def _switch(name: str, *values: str) -> None:
    subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", *values], check=True)


def ask(*addresses: str) -> list[Answer]:
    return list(probe(Probe("underlay", "far", address) for address in addresses))


def test_the_path_mtu_is_that_of_the_narrowest_link_in_both_families(router: str) -> None:
    assert router
    found = ask(*NEAR, *FAR)
    assert [(one.answered, one.mtu) for one in found] == [(True, 1500), (True, 1500), (True, 1337), (True, 1337)]
    assert all(0 < one.milliseconds < 1000 for one in found)


def test_a_router_that_says_nothing_of_what_it_drops_is_no_black_hole_to_it(router: str) -> None:
    """PMTU discovery without errors, as where somebody filters all of ICMP but pings."""
    quiet = "icmp type destination-unreachable drop; icmpv6 type packet-too-big drop;"
    rules = f"table inet quiet {{ chain out {{ type filter hook output priority 0; {quiet} }}; }}"
    subprocess.run(["ip", "netns", "exec", router, "nft", rules], check=True)
    assert [one.mtu for one in ask(*FAR)] == [1337, 1337]


def test_what_the_kernel_remembers_of_the_path_does_not_count(host: Host, router: str) -> None:
    """Nor what a route says: it is the path that is asked."""
    assert router
    assert ask(FAR[0])[0].mtu == 1337
    host.ip("route replace 10.99.2.3/32 via 10.99.1.2 mtu 1300")
    assert ask(FAR[0])[0].mtu == 1337


def test_who_does_not_answer_is_told_and_holds_up_nobody(router: str) -> None:
    assert router
    silent, answered = ask("10.99.2.77", FAR[0])
    assert silent == Answer("underlay", "far", "10.99.2.77", answered=False)
    assert answered.mtu == 1337


def test_what_cannot_even_be_sent_is_told_with_the_kernels_word(host: Host) -> None:
    assert host
    (found,) = ask("192.0.2.1")
    assert (found.answered, found.words) == (False, "Network is unreachable")


def test_the_same_address_by_two_ways_is_asked_once_and_answered_twice(router: str) -> None:
    assert router
    one, other = probe((Probe("underlay", "far", FAR[0]), Probe("overlay", "far", FAR[0])))
    assert (one.way, other.way) == ("underlay", "overlay")
    assert one[2:] == other[2:]


def test_nobody_to_ask_is_no_fault() -> None:
    assert probe(()) == ()
