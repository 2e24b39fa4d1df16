# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A real bridge whose ports are policed, as containers are: what they say to each other never leaves it."""

from __future__ import annotations

import socket
import time

import pytest
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP
from scapy.packet import Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police, port_of
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bind, unbind
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORTS, WORLD, Endpoint, Place, PolicyMaps
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.place import FIRST, ether, maps, packet, tcp, udp
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import OBJECTS

both = pytest.mark.parametrize("family", FAMILIES)

BRIEFLY = 0.3
BRIDGE = Policed(9, FIRST, PORTS)


def port_maps() -> PolicyMaps:
    """web and db speak on ports of one bridge, and so do the undeclared ones of its subnet."""
    places = [found._replace(scope=BRIDGE.number) for found in maps().sources if found.scope in (1, 2)]
    world = Endpoint(WORLD, WORLD, 0, 0)
    places += [Place(BRIDGE.number, f"{single}/{size}", world) for single, size in zip(ADDRESSES["spare"], (32, 128))]
    return maps()._replace(attachments=(), sources=tuple(places))


class Bridge:
    """The site, with PORTS on its bridge; `web` and `db` are ports of it."""

    def __init__(self, site: Site) -> None:
        self.site, self.folder = site, site.stage.folder
        site.stage.enforce(port_maps())
        police(self.folder, "bridge", BRIDGE)

    def police(self, *names: str) -> None:
        for name in names:
            police(self.folder, name, port_of(BRIDGE))

    def bind(self, *names: str) -> None:
        for name in names:
            for single in ADDRESSES[name]:
                bind(self.folder, self.site.stage.devices[name], single)


@pytest.fixture
def bridge(site: Site) -> Bridge:
    found = Bridge(site)
    found.police("web", "db")
    return found


def comes(wire: socket.socket, words: bytes, patience: float = BRIEFLY) -> bool:
    end = time.monotonic() + patience
    wire.settimeout(patience)
    while time.monotonic() < end:
        try:
            if words in wire.recv(2000):
                return True
        except TimeoutError:
            return False
    return False


def passes(bridge: Bridge, family: str, port: int) -> bool:
    return bridge.site.web.connect(family, "db", port, BRIEFLY)


@both
def test_what_two_ports_say_to_each_other_is_judged(bridge: Bridge, family: str) -> None:
    """With all of ARP, neighbour discovery and answers that this takes."""
    bridge.bind("web", "db")
    with bridge.site.db.listen(family, 5432), bridge.site.db.listen(family, 5433), bridge.site.web.listen(family, 5432):
        assert passes(bridge, family, 5432)
        assert not passes(bridge, family, 5433)
        assert not bridge.site.db.connect(family, "web", 5432, BRIEFLY)
    assert bridge.site.reasons() == {"NO_RULE"}


@both
def test_a_port_to_which_nothing_is_bound_passes_nothing(bridge: Bridge, family: str) -> None:
    bridge.bind("db")
    mac = {"dst": MACS["db"]}
    frames = {
        b"plain": packet("web", "db", family, udp(53)) / Raw(b"plain"),
        b"spare": packet("spare", "db", family, udp(53)) / Raw(b"spare"),
        b"claim": ether("web") / ARP(op=2, psrc=ADDRESSES["web"][0], pdst=ADDRESSES["db"][0]) / Raw(b"claim"),
        b"probe": ether("web") / ARP(op=1, psrc="0.0.0.0", pdst=ADDRESSES["db"][0]) / Raw(b"probe"),  # noqa: S104
        b"asked": ether("web") / IPv6(src="fe80::ff:fe00:2", dst="ff02::1", hlim=255)
        / ICMPv6ND_NS(tgt=ADDRESSES["db"][1]) / Raw(b"asked"),
    }  # fmt: skip
    with bridge.site.web.wire() as near, bridge.site.db.wire() as far:
        for words, frame in frames.items():
            for field, value in mac.items():
                setattr(frame, field, value)
            near.send(bytes(frame))
            assert not comes(far, words), words
        assert bridge.site.reasons() == {"SOURCE", "NEIGHBOUR"}
        bridge.bind("web")
        near.send(bytes(frames[b"plain"]))
        assert comes(far, b"plain")
        # and to nobody's name but the one that is bound
        near.send(bytes(frames[b"spare"]))
        assert not comes(far, b"spare")


@both
def test_a_port_that_nothing_is_bound_to_any_more_is_silent_in_the_middle_of_it(bridge: Bridge, family: str) -> None:
    bridge.bind("web", "db")
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    at = family == "ipv6"
    with bridge.site.db.socket(kind, socket.SOCK_DGRAM) as far, bridge.site.web.socket(kind, socket.SOCK_DGRAM) as near:
        far.bind((ADDRESSES["db"][at], 53))
        far.settimeout(BRIEFLY)
        near.connect((ADDRESSES["db"][at], 53))
        for turn in range(3):
            near.send(b"%d" % turn)
            assert far.recv(9) == b"%d" % turn
        unbind(bridge.folder, bridge.site.stage.devices["web"], ADDRESSES["web"][at])
        near.send(b"after")
        with pytest.raises(TimeoutError):
            far.recv(9)
        bind(bridge.folder, bridge.site.stage.devices["web"], ADDRESSES["web"][at])
        near.send(b"again")
        assert far.recv(9) == b"again"


@both
def test_bindings_outlive_policies_and_programs(bridge: Bridge, family: str) -> None:
    bridge.bind("web", "db")
    with bridge.site.db.listen(family, 5432):
        for turn in range(3):
            bridge.site.stage.enforce(port_maps())
            if turn:
                objects.load(bridge.folder, OBJECTS)
                bridge.police("web", "db")
            assert passes(bridge, family, 5432)
            assert not passes(bridge, family, 5433)


@both
def test_the_host_is_asked_and_asks_as_everywhere(bridge: Bridge, family: str) -> None:
    """What comes in by the bridge was judged at the port; what leaves by it is judged there."""
    bridge.bind("web", "db")
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    at = family == "ipv6"
    with socket.socket(kind, socket.SOCK_STREAM) as door, bridge.site.web.listen(family, 80):
        door.bind((ADDRESSES["host"][at], 8080))
        door.listen()
        assert bridge.site.web.connect(family, "host", 8080, 5)
        assert not bridge.site.db.connect(family, "host", 8080, BRIEFLY)
        for name, comes_about in (("web", True), ("db", False)):
            with socket.socket(kind, socket.SOCK_STREAM) as near:
                near.settimeout(5 if comes_about else BRIEFLY)
                try:
                    near.connect((ADDRESSES[name][at], 80))
                    assert comes_about, name
                except (TimeoutError, PermissionError):
                    assert not comes_about, name


@both
def test_a_port_that_nobody_polices_speaks_for_no_peer(site: Site, family: str) -> None:
    """It was plugged in a moment ago; the policed ports know that nobody has judged what comes from there."""
    bridge = Bridge(site)
    bridge.police("db")
    bridge.bind("db")
    with site.web.wire() as near, site.db.wire() as far:
        frame = packet("web", "db", family, tcp(5432)) / Raw(b"unjudged")
        frame.dst = MACS["db"]
        near.send(bytes(frame))
        assert not comes(far, b"unjudged")
        assert "SOURCE" in site.reasons()
        bridge.police("web")
        bridge.bind("web")
        near.send(bytes(frame))
        assert comes(far, b"unjudged")
