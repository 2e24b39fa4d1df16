# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small overlay of network namespaces, made by iproute2 alone: lan (the underlay, and the internet), hub, two runners
with a container each, and a rogue on the underlay. Nothing here filters until a test says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import Firewall

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
GROUP = "30565"
UNDERLAY = {
    "lan": "198.18.9.99",
    "hub": "198.18.9.10",
    "r1": "198.18.9.11",
    "r2": "198.18.9.12",
    "rogue": "198.18.9.66",
}

HUB = Firewall(
    cidr="10.0.0.0/8",
    port=4789,
    vnis=(101, 102, *range(201, 221)),
    # Enough of them that iptables looks them up by pages.
    remotes=(UNDERLAY["r1"], UNDERLAY["r2"], *(f"198.18.9.{number}" for number in range(100, 120))),
    zone="trusted",
    zone_interfaces=("kohaku-host", "vxkr+"),
)


def runner(number: int) -> Firewall:
    return HUB._replace(
        vnis=(100 + number,),
        remotes=(UNDERLAY["hub"],),
        zone_interfaces=("vxlan0", "kohaku-overlay+"),
        subnet=f"10.{number}.0.0/16",
        bridge="kohaku-overlay",
        masquerade=True,
    )


# Runs on a host. argv: back end, a Firewall and Accesses as JSON (null: nothing of ours), the plugins' folder. Prints
# what was seen before.
_CONVERGE = """
import json, sys
sys.path.insert(0, sys.argv[4])
from module_utils.diff.firewall.wanted import desired
from module_utils.kernel.firewall.backend import Firewalls
from module_utils.model.access import Access, Reach
from module_utils.model.change import ADD, REMOVE, Change
from module_utils.model.firewall import Firewall
made = lambda shape, values: shape(*[tuple(v) if isinstance(v, list) else v for v in values])
backend, values, gates = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
plan = made(Firewall, values) if isinstance(values, list) else None
accesses = tuple(made(Access, gate) for gate in gates)
accesses = tuple(gate._replace(reaches=tuple(made(Reach, reach) for reach in gate.reaches)) for gate in accesses)
kernel = Firewalls()
seen = kernel.observe()
have = seen.state["ruleset"]
want = {value.key(): value for value in desired(plan, accesses, backend)}
equal = {k: v.signature for k, v in have.items()} == {k: v.signature for k, v in want.items()}
if values != "look":
    kernel.apply([Change(ADD, "ruleset", k, None, v) for k, v in want.items()])
    kernel.apply([Change(REMOVE, "ruleset", k, v, None) for k, v in have.items() if k not in want])
print(json.dumps({"backend": seen.backend, "equal": equal, "keys": sorted(have), "faults": seen.faults}))
"""

# argv: port, and how long to wait for a packet when standard input has ended: then all have been sent.
_RECEIVE = """
import select, socket, sys
door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
door.bind(("0.0.0.0", int(sys.argv[1])))
print("ready", flush=True)
heard = select.select([door, sys.stdin], [], [])[0]
if door not in heard:
    heard = select.select([door], [], [], float(sys.argv[2]))[0]
print(door.recvfrom(99)[1][0] if heard else "nothing", flush=True)
"""

_SEND = """
import socket, sys
door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
door.bind((sys.argv[1], 0))
for _ in range(3):
    door.sendto(b"hello", (sys.argv[2], int(sys.argv[3])))
"""

# argv: destination, VNI, "whole" or "split" (the first fragment holds the UDP header alone, no VNI to be seen).
_TUNNEL = """
import socket, struct, sys
vxlan = struct.pack("!II", 0x08000000, int(sys.argv[2]) << 8)
frame = b"\\xff" * 6 + b"\\x02\\x00\\x00\\x00\\x00\\x66" + b"\\x08\\x00" + b"\\x45" + b"\\0" * 45
data = vxlan + frame
udp = struct.pack("!HHHH", 40000, 4789, 8 + len(data), 0) + data
door = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
parts = [(0, udp)] if sys.argv[3] == "whole" else [(0x2000, udp[:8]), (1, udp[8:])]
target = socket.inet_aton(sys.argv[1])
for number in range(20):
    for offset, part in parts:
        size = 20 + len(part)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, number + 1, offset, 64, 17, 0, b"\\0" * 4, target)
        door.sendto(header + part, (sys.argv[1], 0))
"""


# argv: link, source, destination, port. One UDP packet in a frame for each address that bridges keep for themselves.
_FRAMES = """
import socket, sys
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
link, source, target, port = sys.argv[1:]
packet = (IPv6 if ":" in target else IP)(src=source, dst=target) / UDP(sport=7000, dport=int(port)) / b"past"
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind((link, 0))
    for last in range(16):
        wire.send(bytes(Ether(dst=f"01:80:c2:00:00:{last:02x}", src="02:00:00:00:00:02") / packet))
"""

# argv: port, and how long to wait when standard input has ended.
_COUNT = """
import select, socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as door:
    door.bind(("::", int(sys.argv[1])))
    print("ready", flush=True)
    sys.stdin.read()
    found = 0
    while select.select([door], [], [], float(sys.argv[2]))[0]:
        found += door.recv(99) == b"past"
    print(found)
"""


class Hosts:
    """The namespaces by short name."""

    def __init__(self) -> None:
        self.tag = f"fw{os.getpid()}-"
        self.names = (*UNDERLAY, "c1", "c2")
        # For a test to remember: attempts and whether they came through, and rules of others by host.
        self.before: dict[str, bool] = {}
        self.past: dict[str, int] = {}
        self.foreign: dict[str, list[str]] = {}

    def build(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "add", self.tag + name], check=True)
        switches = ("ipv4.ip_forward=1", "ipv4.conf.all.rp_filter=0", "ipv4.conf.default.rp_filter=0")
        switches += ("ipv6.conf.all.disable_ipv6=1", "ipv6.conf.default.disable_ipv6=1")
        for name in self.names:
            self.run(name, "ip", "link", "set", "lo", "up")
            self.run(name, "sysctl", "-qw", *(f"net.{switch}" for switch in switches))
        self.batch("lan", "link add u group 0 type bridge", "link set u up", f"addr add {UNDERLAY['lan']}/24 dev u")
        for name in ("hub", "r1", "r2", "rogue"):
            self.batch(
                "lan",
                f"link add to-{name} type veth peer name u netns {self.tag}{name}",
                f"link set to-{name} master u up",
            )
            self.batch(
                name, f"addr add {UNDERLAY[name]}/24 dev u", "link set u up", f"route add default via {UNDERLAY['lan']}"
            )
        self.batch(
            "hub",
            f"link add kohaku-host group {GROUP} type bridge",
            "addr add 10.0.0.1/8 dev kohaku-host noprefixroute",
            "link set kohaku-host up",
        )
        for number in (1, 2):
            self._hub_side(number)
            self._runner(number)

    def _hub_side(self, n: int) -> None:
        self.batch(
            "hub",
            f"link add vxkr{n} group {GROUP} type vxlan id {100 + n} remote {UNDERLAY[f'r{n}']}"
            f" local {UNDERLAY['hub']} dstport 4789 nolearning",
            f"link set vxkr{n} mtu 1450 up",
            f"addr add 10.{n}.0.254/16 dev vxkr{n} noprefixroute",
            f"route add 10.{n}.0.0/16 via 10.{n}.0.1 dev vxkr{n} onlink src 10.0.0.1",
        )

    def _runner(self, n: int) -> None:
        self.batch(
            f"r{n}",
            f"link add kohaku-overlay group {GROUP} type bridge",
            "link set kohaku-overlay mtu 1450 up",
            f"addr add 10.{n}.0.1/16 dev kohaku-overlay",
            f"link add vxlan0 group {GROUP} type vxlan id {100 + n} remote {UNDERLAY['hub']}"
            f" local {UNDERLAY[f'r{n}']} dstport 4789 nolearning",
            "link set vxlan0 mtu 1450 master kohaku-overlay up",
            f"route add 10.0.0.0/8 via 10.{n}.0.254 dev kohaku-overlay src 10.{n}.0.1",
            f"link add c type veth peer name e netns {self.tag}c{n}",
            "link set c master kohaku-overlay up",
        )
        self.batch(f"c{n}", "link set e up", f"addr add 10.{n}.0.2/16 dev e", f"route add default via 10.{n}.0.1")

    def remove(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self.tag + name], check=False, capture_output=True)

    def run(self, host: str, *command: str, text: str | None = None) -> str:
        full = ["ip", "netns", "exec", self.tag + host, *command]
        done = subprocess.run(full, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{host}: {' '.join(command)}: {done.stderr}"
        return done.stdout

    def batch(self, host: str, *lines: str) -> None:
        self.run(host, "ip", "-batch", "-", text="\n".join(lines))

    def converge(
        self, host: str, backend: str, plan: Firewall | str | None, accesses: tuple[Access, ...] = ()
    ) -> dict[str, Any]:
        script = (_CONVERGE, backend, json.dumps(plan), json.dumps(accesses), str(PLUGINS))
        found: dict[str, Any] = json.loads(self.run(host, sys.executable, "-c", *script))
        return found

    def neighbour(self, host: str, address: str, link: str, other: str) -> None:
        """Tell a host the MAC of the other end, so that it need not ask."""
        shown = json.loads(self.run(other, "ip", "-j", "link", "show", "dev", link))
        self.batch(host, f"neigh replace {address} lladdr {shown[0]['address']} dev {link} nud permanent")

    def heard(
        self, source: tuple[str, str], target: tuple[str, str], at: str | None = None, port: int = 7000, on: int = 7000
    ) -> str:
        """Send from (host, own address) to (host, address); ``at`` is where it is listened for, target[0] otherwise.

        port: that it is sent to. on: that is listened on. Returns the source address that arrived there, or "nothing".
        """
        listener = subprocess.Popen(
            ["ip", "netns", "exec", self.tag + (at or target[0]), sys.executable, "-c", _RECEIVE, str(on), "0.3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with listener:
            out = listener.stdout
            assert out is not None
            assert out.readline() == "ready\n"
            self.run(source[0], sys.executable, "-c", _SEND, source[1], target[1], str(port))
            assert listener.stdin is not None
            listener.stdin.close()
            return out.readline().strip()

    def framed(self, source: tuple[str, str], target: tuple[str, str], port: int) -> int:
        """How many of 16 packets (host, own address) -> (host, address) arrive, in frames that no bridge passes on."""
        listener = subprocess.Popen(
            ["ip", "netns", "exec", self.tag + target[0], sys.executable, "-c", _COUNT, str(port), "0.3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with listener:
            assert listener.stdout is not None
            assert listener.stdin is not None
            assert listener.stdout.readline() == "ready\n"
            self.run(source[0], sys.executable, "-c", _FRAMES, "e", source[1], target[1], str(port))
            listener.stdin.close()
            return int(listener.stdout.read())

    def tunnelled(self, source: str, vni: int, link: str, how: str = "whole", to: str = UNDERLAY["hub"]) -> bool:
        """Whether 20 frames for this VNI, sent to the hub by ``source``, come out of the hub's ``link``."""
        before = self._received(link)
        self.run(source, sys.executable, "-c", _TUNNEL, to, str(vni), how)
        time.sleep(0.05)
        # Neighbours may say something of their own meanwhile.
        return self._received(link) >= before + 20

    def _received(self, link: str) -> int:
        shown = json.loads(self.run("hub", "ip", "-j", "-s", "link", "show", "dev", link))
        return int(shown[0]["stats64"]["rx"]["packets"])
