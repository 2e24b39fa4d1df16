# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""On an interface with the flag BOUND only those addresses speak that are bound to it."""

from __future__ import annotations

import os

import pytest
from scapy.layers.igmp import IGMP
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6MLReport2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RS,
    IPv6ExtHdrFragment,
)
from scapy.packet import Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bind, bound, unbind
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import FIRST, network, packet, tcp, udp
from tests.integration.bpf.ports import grant, warm
from tests.integration.bpf.stage import OBJECTS, Stage
from tests.integration.bpf.test_neighbours import arp, discovery

both = pytest.mark.parametrize("family", FAMILIES)


@both
def test_only_an_address_that_is_bound_to_the_link_speaks(ports: Stage, family: str) -> None:
    asked = packet("web", "db", family, tcp())
    assert ports.show(asked, "web").said == "SOURCE"
    grant(ports, "web", link="bare")
    assert ports.show(asked, "web").said == "SOURCE"
    assert ports.show(asked, "bare").said == "PASS"
    grant(ports, "web")
    found = ports.show(asked, "web")
    assert (found.said, found.mark) == ("PASS", FIRST << 24)
    unbind(ports.folder, ports.devices["web"], ADDRESSES["web"][family == "ipv6"])
    assert ports.show(asked, "web").said == "SOURCE"
    assert ports.show(asked, "bare").said == "PASS"


@both
def test_what_is_bound_is_still_only_whom_the_policy_lets_speak_there(ports: Stage, family: str) -> None:
    grant(ports, "db", link="web")
    grant(ports, "world", link="web")
    assert ports.show(packet("db", "web", family, tcp()), "web").said == "SOURCE"
    assert ports.show(packet("world", "web", family, tcp()), "web").said == "SOURCE"


@both
def test_an_address_that_is_not_bound_any_more_is_silent_at_once(ports: Stage, family: str) -> None:
    """Also in a flow that is known."""
    grant(ports, "web")
    grant(ports, "db")
    warm(ports, family)
    unbind(ports.folder, ports.devices["web"])
    assert ports.show(packet("web", "db", family, udp()), "web").said == "SOURCE"
    grant(ports, "web")
    assert ports.show(packet("web", "db", family, udp()), "web").said == "PASS"


@both
def test_a_flow_that_is_known_on_one_port_is_not_on_another(ports: Stage, family: str) -> None:
    grant(ports, "web")
    grant(ports, "db")
    grant(ports, "spare", link="bare")
    warm(ports, family)
    assert ports.show(packet("web", "db", family, udp()), "bare").said == "SOURCE"


@both
def test_the_rest_of_a_datagram_comes_by_the_same_port(ports: Stage, family: str) -> None:
    grant(ports, "web")
    grant(ports, "spare", link="bare")
    if family == "ipv4":
        first = packet("web", "db", family, udp() / Raw(bytes(16)), flags="MF", id=9)
        later = packet("web", "db", family, Raw(bytes(16)), frag=4, id=9, proto=17)
    else:
        first = packet("web", "db", family, IPv6ExtHdrFragment(m=1, id=9) / udp() / Raw(bytes(16)))
        later = packet("web", "db", family, IPv6ExtHdrFragment(offset=4, id=9, nh=17) / Raw(bytes(16)))
    assert ports.show(first, "web").said == "PASS"
    assert ports.show(later, "bare").said == "SOURCE"
    assert ports.show(later, "web").said == "PASS"


@both
def test_an_error_is_about_a_packet_to_who_is_bound_there(ports: Stage, family: str) -> None:
    """web asked db; that db cannot be reached is only true from where db is."""
    grant(ports, "web")
    for name in ("db", "spare"):
        grant(ports, name, link="db")
    assert ports.show(packet("web", "db", family, udp()), "web").said == "PASS"
    quoted = network("web", "db", family) / udp()
    message = ICMP(type=3, code=3) if family == "ipv4" else ICMPv6DestUnreach(code=4)
    error = packet("db", "web", family, message / Raw(bytes(quoted)))
    assert ports.show(error, "db").said == "PASS"
    unbind(ports.folder, ports.devices["db"], ADDRESSES["db"][family == "ipv6"])
    assert ports.show(error, "db").said == "SOURCE"


def test_neighbours_tell_only_of_addresses_that_are_bound(ports: Stage) -> None:
    grant(ports, "spare", link="web")
    for operation in (1, 2):
        assert ports.show(arp("web", "db", operation), "web").said == "NEIGHBOUR"
    assert ports.show(discovery("web", ICMPv6ND_NA(tgt=ADDRESSES["web"][1])), "web").said == "NEIGHBOUR"
    own = "fe80::ff:fe00:2"
    assert ports.show(discovery(own, ICMPv6ND_NA(tgt=ADDRESSES["web"][1])), "web").said == "NEIGHBOUR"
    grant(ports, "web")
    for operation in (1, 2):
        assert ports.show(arp("web", "db", operation), "web").said == "PASS"
    assert ports.show(discovery(own, ICMPv6ND_NA(tgt=ADDRESSES["web"][1])), "web").said == "PASS"
    assert ports.show(arp("db", "web", 2), "web").said == "NEIGHBOUR"


def _harmless() -> list[tuple[str, object, str]]:
    own = "fe80::ff:fe00:2"
    return [
        ("an ARP probe", arp("0.0.0.0", "web"), "NEIGHBOUR"),  # noqa: S104  # no socket
        ("a search for a router", discovery("::", ICMPv6ND_RS()), "NEIGHBOUR"),
        ("a search for its own address", discovery("::", ICMPv6ND_NS(tgt=own)), "NEIGHBOUR"),
        ("a search from a link-local address", discovery(own, ICMPv6ND_RS()), "NEIGHBOUR"),
        ("a report of groups", discovery("::", ICMPv6MLReport2(), "ff02::16", 1), "SOURCE"),
        ("a report from a link-local address", discovery(own, ICMPv6MLReport2(), "ff02::16", 1), "SOURCE"),
        ("a report of IPv4", packet("0.0.0.0", "224.0.0.22", "ipv4", IGMP(type=0x16), proto=2), "SOURCE"),  # noqa: S104
    ]


# What passes on every link, and why not where nobody speaks.
HARMLESS = {name: (shown, reason) for name, shown, reason in _harmless()}


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_where_nothing_is_bound_nothing_passes(ports: Stage, name: str) -> None:
    shown, reason = HARMLESS[name]
    assert ports.show(shown, "web").said == reason
    grant(ports, "spare", link="web")
    assert ports.show(shown, "web").said == "PASS"
    for single in ADDRESSES["spare"]:
        unbind(ports.folder, ports.devices["web"], single)
    assert ports.show(shown, "web").said == reason


@both
def test_what_leaves_needs_no_binding(ports: Stage, family: str) -> None:
    assert ports.show(packet("host", "web", family, tcp(80)), "web", "egress").said == "PASS"


# what is bound, as Python says it


def test_what_is_bound_is_said(ports: Stage) -> None:
    web, db = ports.devices["web"], ports.devices["db"]
    bind(ports.folder, web, "10.0.0.1")
    bind(ports.folder, web, "fd00::1", 300)
    bind(ports.folder, db, "10.0.0.1", 301)
    assert bound(ports.folder) == {(web, "10.0.0.1"): 0, (web, "fd00::1"): 300, (db, "10.0.0.1"): 301}
    bind(ports.folder, web, "fd00::1", 302)
    unbind(ports.folder, db)
    assert bound(ports.folder) == {(web, "10.0.0.1"): 0, (web, "fd00::1"): 302}
    unbind(ports.folder, db)
    unbind(ports.folder, web, "10.9.9.9")
    unbind(ports.folder, web, "10.0.0.1")
    unbind(ports.folder, web, "fd00::1")
    assert bound(ports.folder) == {}
    for name in ("bindings", "bound"):
        handle = calls.pinned(objects.map_path(ports.folder, name))
        assert calls.read_all(name, handle) == {}
        os.close(handle)


@pytest.mark.parametrize("wrong", ["", "web", "10.0.0.0/8", "0.0.0.0", "::", "10.0.0"])  # noqa: S104
def test_what_is_no_single_address_is_not_bound(ports: Stage, wrong: str) -> None:
    with pytest.raises(KernelError, match="address"):
        bind(ports.folder, ports.devices["web"], wrong)
    assert bound(ports.folder) == {}


@pytest.mark.fault("F08")
def test_too_many_are_refused_and_change_nothing(bpffs: str) -> None:
    folder = f"{bpffs}/small"
    objects.load(folder, OBJECTS, {"bindings": 4})
    for number in range(1, 4):
        bind(folder, 7, f"10.0.0.{number}")
    before = bound(folder)
    for index in (7, 8):
        with pytest.raises(KernelError, match="there is room for 4"):
            bind(folder, index, "10.0.0.9", 300)
    assert bound(folder) == before
    # the same one again is no more than before
    bind(folder, 7, "10.0.0.1", 300)
    unbind(folder, 7, "10.0.0.2")
    bind(folder, 7, "10.0.0.9")
    assert bound(folder) == {(7, "10.0.0.1"): 300, (7, "10.0.0.3"): 0, (7, "10.0.0.9"): 0}
