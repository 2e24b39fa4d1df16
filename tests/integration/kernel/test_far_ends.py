# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A runner's tunnel gives its bridge frames of the hub alone: nobody on the underlay draws a container's frames away,
and no container the hub's. The hub is another namespace; containers are veths, and say what they like."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.adapter import Netlink
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, VXLAN, Link
from tests.integration.bpf.hosts import until
from tests.integration.kernel.conftest import Far

HUB, WEB, DB = "02:77:00:00:00:65", "02:00:00:00:00:02", "02:00:00:00:00:03"
LINK = Link("bridge", BRIDGE, "weft:runner1", "02:77:02:00:00:65", 1450)
TUNNEL = Link("vxlan0", VXLAN, "weft:hub", "02:77:01:00:00:65", 1450, "bridge", 101, 4789, "198.18.0.10", "198.18.0.11")
PLAIN = 0x88B5  # for experiments (IEEE 802)
_BRIEFLY = 0.3
# argv: link, and how long nothing more may come once standard input has ended. Prints what comes.
_HEAR = """
import select, socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5)) as wire:
    wire.bind((sys.argv[1], 0x88B5))
    print("ready", flush=True)
    sys.stdin.read()
    while select.select([wire], [], [], float(sys.argv[2]))[0]:
        print(wire.recv(2048).hex(), flush=True)
"""
_SEND = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind((sys.argv[1], 0))
    wire.send(bytes.fromhex(sys.argv[2]))
"""


def frame(source: str, target: str, text: bytes = b"here") -> bytes:
    addresses = bytes.fromhex((target + source).replace(":", ""))
    return addresses + PLAIN.to_bytes(2, "big") + text.ljust(50, b".")


class Runner:
    """host: this namespace. gated: whether its bridge looks at VLANs."""

    def __init__(self, host: Any, hub: Far, gated: bool) -> None:
        self.host, self.hub, self._gated = host, hub, gated
        self.bridge = LINK._replace(gated=gated)
        self.tunnel = TUNNEL._replace(gated=gated, far=HUB)
        for name in ("all", "default"):
            host.set_switch(f"ipv6/conf/{name}/disable_ipv6", "1")
            hub.run("sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
        words = f"address {HUB} type vxlan id 101 local 198.18.0.11 remote 198.18.0.10 dstport 4789 nolearning"
        hub.run("ip", "link", "add", "vxkr1", *words.split())
        hub.run("ip", "link", "set", "vxkr1", "up")

    def plug(self, name: str, kept: str = "") -> None:
        """A container's port, that learns; kept: its MAC address, as the guard does."""
        self.host.ip(f"link add {name} type veth peer name in-{name}")
        self.host.ip(f"link set {name} master bridge up")
        self.host.ip(f"link set in-{name} up")
        if self._gated:
            _bridge(f"vlan add dev {name} vid 1 pvid untagged")
        if kept:
            _bridge(f"fdb replace {kept} dev {name} master static sticky" + (" vlan 1" if self._gated else ""))
        forwarding = '"state":"forwarding"'
        until(lambda: forwarding in _said(f"link show dev {name}"), f"{name} forwards nothing")

    def says(self, name: str, content: bytes) -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind((f"in-{name}", 0))
            wire.send(content)

    def hub_says(self, content: bytes) -> None:
        self.hub.run(sys.executable, "-c", _SEND, "vxkr1", content.hex())

    def hears(self, name: str, content: bytes) -> bool:
        """Whether this comes to a container when the hub says it."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(PLAIN)) as wire:
            wire.bind((f"in-{name}", PLAIN))
            wire.settimeout(_BRIEFLY)
            self.hub_says(content)
            try:
                return wire.recv(2048) == content
            except TimeoutError:
                return False

    def hub_hears(self, name: str, content: bytes) -> bool:
        """Whether this comes to the hub when a container says it."""
        with subprocess.Popen(
            [*self.hub.enter, sys.executable, "-c", _HEAR, "vxkr1", str(_BRIEFLY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as listener:
            assert listener.stdout is not None
            assert listener.stdin is not None
            assert listener.stdout.readline() == "ready\n"
            self.says(name, content)
            listener.stdin.close()
            return content.hex() in listener.stdout.read().split()

    def comes_to_be(self, mac: str, name: str) -> None:
        """Where the bridge sends what is for somebody."""
        until(lambda: self.places(mac) == {name}, f"{mac} is not at {name}")

    @staticmethod
    def places(mac: str) -> set[str]:
        return {entry["ifname"] for entry in json.loads(_said("fdb show br bridge")) if entry["mac"] == mac}


def _bridge(words: str) -> None:
    subprocess.run(["bridge", *words.split()], check=True)


def _said(words: str) -> str:
    return subprocess.run(["bridge", "-j", *words.split()], capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=[False, True], ids=["plain", "gated"])
def runner(request: pytest.FixtureRequest, host: Any) -> Iterator[Runner]:
    with Netlink() as netlink:
        if request.param and not netlink.supports_gates():
            pytest.skip("this kernel's bridges know no VLANs; see tests/kernel/test_guard.py")
    with ExitStack() as stack:
        hub = Far(host)
        stack.callback(hub.close)
        yield Runner(host, hub, request.param)


@pytest.fixture
def kept(runner: Runner) -> Runner:
    runner.host.add("link", runner.bridge, runner.tunnel)
    return runner


def test_the_hub_and_a_container_hear_each_other(kept: Runner) -> None:
    kept.plug("web")
    assert kept.hub_hears("web", frame(WEB, HUB))
    assert kept.hears("web", frame(HUB, WEB))
    assert kept.host.seen("vxlan0") == kept.tunnel
    shown = kept.host.link("vxlan0")["linkinfo"]["info_slave_data"]
    assert (shown["learning"], shown.get("locked", True)) == (False, True)


def test_without_it_the_underlay_and_containers_draw_frames_away(runner: Runner) -> None:
    """What the rest proves is worth something."""
    runner.host.add("link", runner.bridge, runner.tunnel._replace(far=None))
    runner.plug("web")
    runner.plug("db")
    runner.says("web", frame(WEB, HUB))
    runner.comes_to_be(WEB, "web")
    runner.hub_says(frame(WEB, HUB))
    runner.comes_to_be(WEB, "vxlan0")
    assert not runner.hears("web", frame(HUB, WEB))
    runner.comes_to_be(HUB, "vxlan0")
    runner.says("db", frame(HUB, LINK.mac))
    runner.comes_to_be(HUB, "db")
    assert not runner.hub_hears("web", frame(WEB, HUB))


def test_a_frame_of_the_underlay_draws_no_containers_frames_away(kept: Runner) -> None:
    """Not even those of one that nobody keeps to its address."""
    kept.plug("web")
    kept.plug("db")
    kept.says("web", frame(WEB, HUB))
    kept.comes_to_be(WEB, "web")
    for _turn in range(3):
        kept.hub_says(frame(WEB, DB))
    assert kept.hears("web", frame(HUB, WEB))
    assert kept.places(WEB) == {"web"}


def test_frames_of_others_than_the_hub_end_at_the_tunnel(kept: Runner) -> None:
    if "locked" not in kept.host.link("vxlan0")["linkinfo"]["info_slave_data"]:
        pytest.skip("this kernel's bridges cannot lock ports, or `ip` does not say so")
    kept.plug("web")
    for source, comes in ((HUB, True), (DB, False), (WEB, False), (kept.tunnel.mac, False), (HUB, True)):
        assert kept.hears("web", frame(source, WEB, source.encode())) is comes, source
    assert kept.places(DB) == set()


def test_a_container_that_nobody_has_seen_yet_draws_no_frames_of_the_hub_away(kept: Runner) -> None:
    kept.plug("web", WEB)
    kept.plug("db")
    for _turn in range(3):
        kept.says("db", frame(HUB, WEB))
    kept.says("db", frame(DB, WEB))
    kept.comes_to_be(DB, "db")
    assert kept.places(HUB) == {"vxlan0"}
    assert kept.hub_hears("web", frame(WEB, HUB))


@pytest.mark.parametrize(
    "words",
    [
        "link set dev vxlan0 learning on",
        "link set dev vxlan0 locked off",
        f"fdb del {HUB} dev vxlan0 master",
        f"fdb add {DB} dev vxlan0 master static",
        f"fdb replace {HUB} dev vxlan0 master static",
        f"fdb replace {HUB} dev db master static",
    ],
)
def test_what_was_changed_by_hand_is_seen_and_mended(kept: Runner, words: str) -> None:
    kept.plug("web")
    kept.plug("db")
    vlan = " vlan 1" if kept.bridge.gated and words.startswith("fdb") else ""
    _bridge(words + vlan)
    seen = kept.host.seen("vxlan0")
    assert seen != kept.tunnel
    assert seen._replace(far=HUB) == kept.tunnel
    kept.host.change("link", seen, kept.tunnel)
    assert kept.host.seen("vxlan0") == kept.tunnel
    assert kept.places(HUB) == {"vxlan0"}
    assert kept.hub_hears("web", frame(WEB, HUB))
    assert kept.hears("web", frame(HUB, WEB))


def test_a_tunnel_that_works_is_kept_from_then_on(runner: Runner) -> None:
    """What somebody drew away before comes back."""
    loose = runner.tunnel._replace(far=None)
    runner.host.add("link", runner.bridge, loose)
    runner.plug("web")
    runner.plug("db")
    runner.says("db", frame(HUB, WEB))
    runner.comes_to_be(HUB, "db")
    runner.hub_says(frame(DB, WEB))
    runner.comes_to_be(DB, "vxlan0")
    runner.host.change("link", loose, runner.tunnel)
    assert runner.host.seen("vxlan0") == runner.tunnel
    assert (runner.places(HUB), runner.places(DB)) == ({"vxlan0"}, set())


def test_a_tunnel_that_nobody_keeps_any_more_learns_again(kept: Runner) -> None:
    loose = kept.tunnel._replace(far=None)
    kept.host.change("link", kept.tunnel, loose)
    assert kept.host.seen("vxlan0") == loose
    assert kept.places(HUB) == set()
    kept.hub_says(frame(DB, WEB))
    kept.comes_to_be(DB, "vxlan0")


def test_a_gate_that_comes_or_goes_leaves_it_kept(kept: Runner) -> None:
    with Netlink() as netlink:
        if not netlink.supports_gates():
            pytest.skip("this kernel's bridges know no VLANs; see tests/kernel/test_guard.py")
    other = not kept.bridge.gated
    bridge, tunnel = kept.bridge._replace(gated=other), kept.tunnel._replace(gated=other)
    kept.host.change("link", kept.bridge, bridge)
    kept.host.change("link", kept.host.seen("vxlan0"), tunnel)
    assert kept.host.seen("vxlan0") == tunnel


def test_a_bridge_that_is_made_anew_gets_its_tunnel_kept(kept: Runner) -> None:
    kept.host.remove("link", kept.bridge)
    left = kept.host.seen("vxlan0")
    assert left == kept.tunnel._replace(master=None, gated=False, far=None)
    kept.host.add("link", kept.bridge)
    kept.host.change("link", left, kept.tunnel)
    assert kept.host.seen("vxlan0") == kept.tunnel
