# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A server with two interfaces for clients, its LAN, the internet and clients, in network namespaces of their own.

A client is at the other end of a veth that is called as WireGuard's link would be: rules know nothing but its name.
All routes lead everywhere, so that it is the rules that refuse.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
PROBE = str(Path(__file__).with_name("access_probe.py"))

LAN = ("198.18.0.0/24", "fd00:18::/64")
INTERNAL = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/24", "224.0.0.0/3", "fc00::/7", "ff00::/8")

# What a host is asked by, in both families.
ADDRESSES = {
    "lan": ("198.18.0.99", "fd00:18::99"),
    "hidden": ("198.18.0.200", "fd00:18::200"),
    "resolver": ("198.18.0.53", "fd00:18::53"),
    "internet": ("198.19.0.99", "2001:2:0:19::99"),
    "server in the vpn": ("10.8.0.1", "fd08::1"),
    "server in the lan": ("198.18.0.1", "fd00:18::1"),
    "server in the internet": ("198.19.0.1", "2001:2:0:19::1"),
    "server in the other vpn": ("10.9.0.1", "fd09::1"),
    "box": ("172.30.0.2", "fd30::2"),
    "c-lan": ("10.8.0.2", "fd08::2"),
    "c-internet": ("10.8.0.3", "fd08::3"),
    "c-full": ("10.8.0.4", "fd08::4"),
    "c-other": ("10.8.0.5", "fd08::5"),
    "c-wg1": ("10.9.0.2", "fd09::2"),
}
CLIENTS = {"c-lan": "wg0", "c-internet": "wg0", "c-full": "wg0", "c-other": "wg0", "c-wg1": "wg1"}


def reach(profile: str, *names: str, **more: Any) -> Reach:
    return Reach(profile, tuple(address for name in names for address in ADDRESSES[name]), **more)


WG0 = Access(
    link="wg0",
    port=51820,
    subnets=("10.8.0.0/24", "fd08::/64"),
    addresses=ADDRESSES["server in the vpn"],
    reaches=(
        reach("lan", "c-lan", prefixes=LAN, host=True),
        reach("internet", "c-internet", internet=True),
        reach(
            "full",
            *("c-full", "c-other"),
            prefixes=LAN,
            internet=True,
            neighbours=True,
            host=True,
            excluded=ADDRESSES["hidden"],
        ),
    ),
    internal=INTERNAL,
    masquerade="internet",
    mtu=1420,
    zone="internal",
    dns=(*ADDRESSES["resolver"], *ADDRESSES["server in the lan"]),
)
WG1 = WG0._replace(
    link="wg1",
    port=51821,
    subnets=("10.9.0.0/24", "fd09::/64"),
    addresses=ADDRESSES["server in the other vpn"],
    reaches=(reach("full", "c-wg1", prefixes=("10.0.0.0/8", "fd08::/15", *LAN), internet=True, host=True),),
    masquerade="everything",
    mtu=1300,
)

# Runs on the server. argv: back end, accesses as JSON, the plugins' folder, twins as JSON (each a link and a tag).
_CONVERGE = """
import json, sys, time
sys.path.insert(0, sys.argv[3])
from module_utils.diff.firewall.wanted import desired
from module_utils.diff.firewall.tenants import Tenants, Twin
from module_utils.kernel.firewall.backend import Firewalls
from module_utils.model.access import Access, Reach
from module_utils.model.change import ADD, REMOVE, Change
made = lambda shape, values: shape(*[tuple(v) if isinstance(v, list) else v for v in values])
accesses = [made(Access, values) for values in json.loads(sys.argv[2])]
accesses = tuple(a._replace(reaches=tuple(made(Reach, values) for values in a.reaches)) for a in accesses)
tenants = Tenants(tuple(Twin(*twin) for twin in json.loads(sys.argv[4])))
kernel = Firewalls()
seen = kernel.observe()
have = seen.state["ruleset"]
want = {value.key(): value for value in desired(None, accesses, sys.argv[1], tenants=tenants)}
equal = {k: v.signature for k, v in have.items()} == {k: v.signature for k, v in want.items()}
began = time.monotonic()
kernel.apply([Change(ADD, "ruleset", k, None, v) for k, v in want.items()])
kernel.apply([Change(REMOVE, "ruleset", k, v, None) for k, v in have.items() if k not in want])
print(json.dumps({"equal": equal, "keys": sorted(have), "faults": seen.faults, "seconds": time.monotonic() - began}))
"""


class Hosts:
    """The namespaces by short name: those of ADDRESSES that are hosts, the server, and `air` between the clients."""

    def __init__(self) -> None:
        self._tag = f"ac{os.getpid()}-"
        self.names = ("server", "air", "lan", "internet", "box", *CLIENTS)
        # For a test to remember: the rules of others.
        self.foreign: list[str] = []
        self._serving: list[subprocess.Popen[str]] = []

    def build(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "add", self._tag + name], check=True)
            self.batch(name, "link set lo up")
        switches = ("ipv4.ip_forward=1", "ipv4.tcp_timestamps=0", "ipv6.conf.all.forwarding=1")
        quiet = ("ipv4.conf.{}.rp_filter=0", "ipv4.conf.{}.send_redirects=0", "ipv6.conf.{}.accept_dad=0")
        switches += tuple(switch.format(which) for switch in quiet for which in ("all", "default"))
        for name in self.names:
            self.run(name, "sysctl", "-qw", *(f"net.{switch}" for switch in switches))
        self._join("lan", "inside", ("lan", "hidden", "resolver"), "server in the lan")
        self._join("internet", "outside", ("internet",), "server in the internet")
        self._join("box", "dock", ("box",), None)
        for link, own in (("wg0", "server in the vpn"), ("wg1", "server in the other vpn")):
            self.batch("air", f"link add b{link} type bridge mcast_snooping 0", f"link set b{link} up addrgenmode none")
            self.batch(
                "server",
                f"link add {link} address 02:00:00:00:00:01 type veth peer name to-{link} netns {self._tag}air",
                f"link set {link} up addrgenmode none",
                *(f"addr add {address} dev {link} nodad" for address in _sized(ADDRESSES[own])),
            )
            self.batch("air", f"link set to-{link} master b{link} up addrgenmode none")
        for number, (name, link) in enumerate(CLIENTS.items(), start=2):
            self._client(name, link, number)
        for name in self.names:
            if name != "air":
                self._serve(name)

    def _join(self, name: str, link: str, owns: tuple[str, ...], server: str | None) -> None:
        """A host and the server on one wire, with a default route through it."""
        gates = ADDRESSES[server] if server else tuple(address[:-1] + "1" for address in ADDRESSES[owns[0]])
        self.batch(
            "server",
            f"link add {link} type veth peer name e netns {self._tag}{name}",
            f"link set {link} up",
            *(f"addr add {address} dev {link} nodad" for address in _sized(gates)),
        )
        self.batch(
            name,
            "link set e up",
            *(f"addr add {address} dev e nodad" for own in owns for address in _sized(ADDRESSES[own])),
            *(f"route add default via {gate} dev e" for gate in gates),
        )

    def _client(self, name: str, link: str, number: int) -> None:
        """No neighbour discovery: a tunnel has none, so the gate lets none through."""
        mac = f"02:00:00:00:00:{number:02x}"
        self.batch(
            "air",
            f"link add p{number} type veth peer name e address {mac} netns {self._tag}{name}",
            f"link set p{number} master b{link} up addrgenmode none",
        )
        own = ADDRESSES["server in the vpn" if link == "wg0" else "server in the other vpn"]
        lines = ["link set e up addrgenmode none"]
        for address, gate in zip(ADDRESSES[name], own):
            lines += [
                f"addr add {address} dev e nodad",
                f"neigh add {gate} lladdr 02:00:00:00:00:01 dev e nud permanent",
                f"route add {gate} dev e",
                f"route add default via {gate} dev e src {address}",
            ]
        self.batch(name, *lines)
        for address in ADDRESSES[name]:
            self.meet(address, link, mac)

    def meet(self, address: str, link: str, mac: str) -> None:
        self.batch("server", f"neigh replace {address} lladdr {mac} dev {link} nud permanent")

    def _serve(self, name: str) -> None:
        serving = subprocess.Popen(
            ["ip", "netns", "exec", self._tag + name, sys.executable, PROBE, "serve"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._serving.append(serving)
        assert serving.stdout is not None
        assert serving.stdout.readline() == "ready\n"

    def remove(self) -> None:
        for serving in self._serving:
            with serving:
                serving.kill()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self._tag + name], check=False, capture_output=True)

    def command(self, host: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self._tag + host, *command]

    def run(self, host: str, *command: str, text: str | None = None) -> str:
        done = subprocess.run(self.command(host, *command), input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{host}: {' '.join(command)[:200]}: {done.stderr}"
        return done.stdout

    def batch(self, host: str, *lines: str) -> None:
        self.run(host, "ip", "-batch", "-", text="\n".join(lines))

    def converge(self, backend: str, *accesses: Access, twins: tuple[tuple[str, int], ...] = ()) -> dict[str, Any]:
        script = (_CONVERGE, backend, json.dumps(accesses), str(PLUGINS), json.dumps(twins))
        found: dict[str, Any] = json.loads(self.run("server", sys.executable, "-c", *script))
        return found

    def ask(self, host: str, questions: list[tuple[Any, ...]]) -> list[Any]:
        """(kind, own address, target, port, segment) -> what came back, of each; all are asked at once."""
        full = [[*question, *(7000, 0)[len(question) - 3 :]] for question in questions]
        text = "\n".join(map(json.dumps, full))
        found: list[Any] = json.loads(self.run(host, sys.executable, PROBE, "ask", text=text))
        return found

    @contextmanager
    def probe(self, host: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A probe that goes on while the test does something else."""
        command = self.command(host, sys.executable, PROBE, *words)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as probe:
            assert probe.stdout is not None
            assert probe.stdout.readline() == "ready\n"
            yield probe


def say(probe: subprocess.Popen[str]) -> str:
    """A word through the connection that this probe holds."""
    assert probe.stdin is not None
    assert probe.stdout is not None
    print("word", file=probe.stdin, flush=True)
    return probe.stdout.readline().strip()


def _sized(addresses: tuple[str, ...]) -> list[str]:
    return [address + ("/64" if ":" in address else "/24") for address in addresses]
