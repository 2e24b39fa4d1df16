# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft watch` at work between two hosts: what happens while nobody runs Ansible."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.peers import peers_at
from ansible_collections.weft.overlay.plugins.module_utils.edge.watch import Watch
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import private as keys
from ansible_collections.weft.overlay.plugins.module_utils.kernel.wireguard import devices as adapter
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import ROUTER, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Peer

LINK = Link("wga", WIREGUARD, "weft:router", "", userspace=True)
ADDRESSES = ("10.8.0.2/32", "fd00:8::2/128")


class Server:
    """The device wga with the peers of a plan, its watch, and the client wgb at the far end."""

    def __init__(self, machine: Any, folder: Path) -> None:
        self.machine = machine
        self._plan = str(folder / "plan.json")
        self.watch = Watch(self._plan)
        machine.start("wga")
        self.public = keys.make_link("wga")
        adapter.apply([Change(ADD, "wireguard device", "wga", None, Device("wga", self.public, 51820))])
        for line in ("link set wga up", "addr add 10.8.0.1/24 dev wga", "addr add fd00:8::1/64 dev wga nodad"):
            machine.ip(line)
        machine.start("wgb", machine.far.enter)
        self.client = self.rekey()
        machine.far.run(
            *f"wg set wgb listen-port 51821 peer {self.public} allowed-ips 10.8.0.0/24,fd00:8::/64".split(),
            *("endpoint", "198.18.0.10:51820"),
        )
        for line in ("addr add 10.8.0.2/24 dev wgb", "addr add fd00:8::2/64 dev wgb nodad", "link set wgb up"):
            machine.far.run("ip", *line.split())

    def rekey(self) -> str:
        """The client takes a new private key; its public one."""
        private, public = self.machine.new_key()
        self.machine.far.run("wg", "set", "wgb", "private-key", "/dev/stdin", text=private)
        return str(public)

    def plan(self, *peers: Peer) -> None:
        """What a run would do: change the device, and store the plan."""
        have = {peer.key(): peer for peer in adapter.observe((LINK,))[1]}
        wanted = peers_at(peers, have, int(time.time()))
        adapter.apply([Change(ADD, "wireguard peer", peer.key(), None, peer) for peer in wanted])
        text = to_json(HostPlan("router", ROUTER, links=(LINK,), devices=(Device("wga", self.public),), peers=peers))
        Path(self._plan).write_text(text, encoding="utf-8")

    def peers(self) -> dict[str, Peer]:
        return {peer.public_key: peer for peer in adapter.observe((LINK,))[1]}

    def reached(self, seconds: float = 10, address: str = "10.8.0.1") -> bool:
        """Whether the client gets an answer within so many seconds."""
        ping = ["ping", "-c1", "-W1", address]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done = subprocess.run([*self.machine.far.enter, *ping], capture_output=True, check=False)
            if done.returncode == 0:
                return True
            self.watch.look()
        return False


@pytest.fixture
def server(wireguard: Any, disk: Path) -> Server:
    return Server(wireguard, disk)


def test_without_a_plan_it_waits_for_one(disk: Path) -> None:
    assert Watch(str(disk / "none.json")).look() > 1


def test_what_is_not_due_is_left_alone(server: Server) -> None:
    server.plan(Peer("wga", server.client, "alice", ADDRESSES, expires=int(time.time()) + 3600))
    assert server.reached()
    foreign = server.machine.new_key()[1]
    server.machine.wg("set", "wga", "peer", foreign, "allowed-ips", "10.8.0.77/32")
    server.watch.look()
    assert set(server.peers()) == {server.client, foreign}


def test_access_ends_when_it_expires_and_nobody_runs_anything(server: Server) -> None:
    end = int(time.time()) + 4
    server.plan(Peer("wga", server.client, "alice", ADDRESSES, expires=end))
    assert server.reached(3)
    assert 0 < server.watch.look() <= 4
    time.sleep(max(0.0, end - time.time()))
    server.watch.look()
    assert server.peers() == {}
    assert not server.reached(2)


def test_a_new_key_has_access_from_its_first_handshake_and_the_old_one_until_then(server: Server) -> None:
    old = server.client
    new_private, new = server.machine.new_key()
    server.plan(Peer("wga", old, "alice", ADDRESSES, preshared=False, successor=new))
    assert server.watch.look() < 1
    assert server.peers()[new].allowed_ips == ()
    assert server.reached()
    server.machine.far.run("wg", "set", "wgb", "private-key", "/dev/stdin", text=new_private)
    assert server.reached(10)
    assert server.reached(10, "fd00:8::1")
    assert {key: peer.allowed_ips for key, peer in server.peers().items()} == {new: ADDRESSES}
    assert server.watch.look() > 1


def test_a_moved_name_is_followed_when_the_peer_is_silent(server: Server, disk: Path) -> None:
    hosts = disk / "hosts"
    hosts.write_text("198.18.0.99 peer.test\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    server.plan(Peer("wga", server.client, "site", ADDRESSES, endpoint="peer.test:51821"))
    server.watch.look()
    assert server.peers()[server.client].endpoint == "198.18.0.99:51821"
    hosts.write_text("198.18.0.11 peer.test\n", encoding="utf-8")
    Watch(str(disk / "plan.json")).look()
    assert server.peers()[server.client].endpoint == "198.18.0.11:51821"


def test_a_name_that_does_not_resolve_any_more_stops_nothing_else(server: Server, disk: Path) -> None:
    hosts = disk / "hosts"
    hosts.write_text("198.18.0.11 peer.test\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    other = server.machine.new_key()[1]
    soon = int(time.time()) + 1
    server.plan(
        Peer("wga", other, "site", ("10.8.0.3/32",), endpoint="peer.test:51821"),
        Peer("wga", server.client, "alice", ADDRESSES, expires=soon),
    )
    hosts.write_text("", encoding="utf-8")
    time.sleep(1.5)
    server.watch.look()
    assert set(server.peers()) == {other}


def test_a_peer_whose_name_means_nothing_yet_is_there_and_found_later(server: Server, disk: Path) -> None:
    hosts = disk / "hosts"
    hosts.write_text("", encoding="utf-8")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    server.plan(Peer("wga", server.client, "site", ADDRESSES, endpoint="peer.test:51821"))
    server.watch.look()
    assert server.peers()[server.client].endpoint is None
    hosts.write_text("198.18.0.11 peer.test\n", encoding="utf-8")
    Watch(str(disk / "plan.json")).look()
    assert server.peers()[server.client].endpoint == "198.18.0.11:51821"
