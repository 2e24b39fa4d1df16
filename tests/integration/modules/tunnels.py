# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two hosts in network namespaces, joined by real WireGuard tunnels, with an inventory and plans that say so.

The server has two interfaces to measure and, beside them, one as a router has it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.edge.project import write_plans
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS, PEER, ROUTER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Peer

# wireguard-go's control socket is named after the interface alone, so names are unique on this machine.
MEASURED = ("wbm1", "wbm2")
PRODUCTION = "wbm0"
UNDERLAY = {"nas1": "192.0.2.1", "bench1": "192.0.2.2"}
PORT = 5209


def client_link(interface: str) -> str:
    return interface.replace("wbm", "wbc")


class Tunnels:
    """Made by build(), gone without a trace after remove()."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spaces = {host: f"weft-benchmark-{os.getpid()}-{host}" for host in UNDERLAY}
        self.keys: dict[str, str] = {}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def run(self, host: str, *argv: str, text: str | None = None) -> str:
        command = ["ip", "netns", "exec", self.spaces[host], *argv]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def build(self) -> None:
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "add", space], check=True)
        first, second = self.spaces.values()
        veth = ["ip", "link", "add", "under", "netns", first, "type", "veth", "peer", "name", "under", "netns", second]
        subprocess.run(veth, check=True)
        for host, address in UNDERLAY.items():
            self.run(host, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
            self.run(host, "ip", "address", "add", f"{address}/24", "dev", "under")
            for link in ("lo", "under"):
                self.run(host, "ip", "link", "set", link, "up")
        for number, interface in enumerate((PRODUCTION, *MEASURED)):
            self._device("nas1", interface, number, 1)
            self._device("bench1", client_link(interface), number, 2)
            self._peer("nas1", interface, client_link(interface), number, 2, None)
            self._peer("bench1", client_link(interface), interface, number, 1, f"{UNDERLAY['nas1']}:{51900 + number}")
        self._describe()

    def remove(self) -> None:
        for daemon in self._daemons:
            daemon.terminate()
            daemon.wait()
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "delete", space], check=True)

    def _device(self, host: str, link: str, number: int, end: int) -> None:
        command = ["ip", "netns", "exec", self.spaces[host], "wireguard-go", "-f", link]
        environment = {**os.environ, "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1"}
        with open(self.folder / f"{link}.log", "wb") as log:
            self._daemons.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
        self._wait_for(host, link)
        private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout
        public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout
        self.keys[link] = public.strip()
        port = str(51900 + number) if end == 1 else "0"
        self.run(host, "wg", "set", link, "listen-port", port, "private-key", "/dev/stdin", text=private)
        self.run(host, "ip", "address", "add", f"10.94.{number}.{end}/24", "dev", link)
        self.run(host, "ip", "address", "add", f"fd00:94:{number}::{end}/64", "dev", link, "nodad")
        self.run(host, "ip", "link", "set", link, "mtu", "1420" if number != 2 else "1280", "up")

    def _wait_for(self, host: str, link: str) -> None:
        """Until wireguard-go has made the link and listens on its control socket."""
        waited = f"for turn in $(seq 100); do wg show {link} >/dev/null 2>&1 && exit; sleep 0.05; done; exit 1"
        self.run(host, "sh", "-c", waited)

    def _peer(self, host: str, link: str, other: str, number: int, end: int, endpoint: str | None) -> None:
        where = ["endpoint", endpoint] if endpoint else []
        ips = f"10.94.{number}.{end}/32,fd00:94:{number}::{end}/128"
        self.run(host, "wg", "set", link, "peer", self.keys[other], "allowed-ips", ips, *where)

    def _describe(self) -> None:
        """An inventory whose hosts are the namespaces, and the plans that a run of site.yml would have left."""
        hosts = {}
        for host, space in self.spaces.items():
            python = self.folder / f"python-{host}"
            python.write_text(f'#!/bin/sh\nexec ip netns exec {space} /usr/bin/python3 "$@"\n')
            python.chmod(0o755)
            hosts[host] = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
        inventory = {"all": {"hosts": {"router1": {"ansible_connection": "local"}, **hosts}}}
        (self.folder / "hosts.yml").write_text(json.dumps(inventory))
        plans = [self._server("nas1", NAS, MEASURED), self._server("router1", ROUTER, (PRODUCTION,)), self._client()]
        write_plans(str(self.folder / "build"), {plan.host: plan for plan in plans})

    def _server(self, host: str, role: str, interfaces: tuple[str, ...]) -> HostPlan:
        numbers = {interface: int(interface[-1]) for interface in interfaces}
        return HostPlan(
            host,
            role,
            links=tuple(Link(name, WIREGUARD, "weft:nas1", "", userspace=True) for name in interfaces),
            addresses=tuple(address for name, number in numbers.items() for address in _addresses(name, number, 1)),
            devices=tuple(Device(name, self.keys[name], 51900 + number) for name, number in numbers.items()),
            accesses=tuple(
                Access(name, 51900 + number, (f"10.94.{number}.0/24",), (f"10.94.{number}.1",), (), (), "", 1420, "")
                for name, number in numbers.items()
            ),
        )

    def _client(self) -> HostPlan:
        names = {interface: client_link(interface) for interface in (PRODUCTION, *MEASURED)}
        return HostPlan(
            "bench1",
            PEER,
            addresses=tuple(one for name, link in names.items() for one in _addresses(link, int(name[-1]), 2)),
            devices=tuple(Device(link, self.keys[link]) for link in names.values()),
            peers=tuple(Peer(link, self.keys[name], "nas1") for name, link in names.items()),
        )


def _addresses(link: str, number: int, end: int) -> tuple[Address, Address]:
    return Address(link, f"10.94.{number}.{end}/24"), Address(link, f"fd00:94:{number}::{end}/64")
