# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Two interfaces of one server with the same subnets, shown with packets of both families, in every back end: clients
with one address that use one port at the same time each have their own conversation.

Tags are set by a rule where hosts have programs for it; routes and switches are as plans have them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach
from ansible_collections.weft.overlay.tests.integration.kernel.access_hosts import INTERNAL, LAN, Hosts
from ansible_collections.weft.overlay.tests.integration.kernel.access_server import BACKENDS

FAMILIES = (0, 1)
SUBNETS = ("10.8.0.0/24", "fd08::/64")
SERVER, CLIENT, MATE = ("10.8.0.1", "fd08::1"), ("10.8.0.2", "fd08::2"), ("10.8.0.3", "fd08::3")
OUTSIDE = {
    "lan": (("198.18.0.1", "fd00:18::1"), ("198.18.0.99", "fd00:18::99")),
    "internet": (("198.19.0.1", "2001:2:0:19::1"), ("198.19.0.99", "2001:2:0:19::99")),
}
TWINS = (("wg0", 1), ("wg1", 2))
INSIDE = {"one": ("wg0", CLIENT), "two": ("wg1", CLIENT), "mate1": ("wg0", MATE), "mate2": ("wg1", MATE)}
_SWITCHES = (
    *("ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1", "ipv4.fwmark_reflect=1", "ipv6.fwmark_reflect=1"),
    *("ipv4.conf.all.rp_filter=1", "ipv4.conf.all.send_redirects=0", "ipv4.conf.default.send_redirects=0"),
)
# In a client. argv: tcp or udp, target, own port. Says what the other end takes it for, after some words.
_TALK = """
import socket, sys, time
kind, target, port = sys.argv[1:]
six = socket.AF_INET6 if ":" in target else socket.AF_INET
talk = socket.socket(six, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
talk.settimeout(1.5)
talk.bind(("", int(port)))
talk.connect((target, 7000))
seen = talk.recv(200).split()[0] if kind == "tcp" else None

def ask(word):
    # By UDP again, if need be: the kernel tells two conversations apart when it has seen the first packet of one before
    # that of the other. Of two that begin in the same instant, it forgets one within a second.
    for _attempt in range(1 if kind == "tcp" else 4):
        talk.send(word)
        try:
            return talk.recv(200)
        except TimeoutError:
            continue
    raise TimeoutError(word)

for number in range(4):
    word = b"%d" % number
    answer = ask(word)
    if kind == "tcp":
        assert answer == word, (answer, word)
    else:
        seen = answer
    time.sleep(0.05)
print(seen.decode())
"""


def access(link: str, masquerade: str) -> Access:
    reach = Reach("all", (*CLIENT, *MATE), LAN, internet=True, neighbours=True, host=True)
    return Access(link, 51820, SUBNETS, SERVER, (reach,), INTERNAL, masquerade, 1420, "internal")


class Tenants(Hosts):
    """one and two have the same address, behind wg0 and wg1; mate1 and mate2 are their neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.names = ("server", "air", *OUTSIDE, *INSIDE)
        # Never one twice: a connection that has ended keeps its port for a minute.
        self._ports = count(40000)

    def build(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "add", self._tag + name], check=True)
            self.batch(name, "link set lo up")
            self.run(name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        self.run("server", "sysctl", "-qw", *(f"net.{switch}" for switch in _SWITCHES))
        for name, (server, own) in OUTSIDE.items():
            self._outside(name, server, own)
        for number, (link, tag) in enumerate(TWINS):
            self._twin(link, tag, main=not number)
        for number, (name, (link, own)) in enumerate(INSIDE.items(), start=2):
            self._inside(name, link, own, f"02:00:00:00:00:{number:02x}", f"p{number}")
        for name in self.names:
            if name != "air":
                self._serve(name)

    def _outside(self, name: str, server: tuple[str, ...], own: tuple[str, ...]) -> None:
        self.batch(
            "server",
            f"link add {name} type veth peer name e netns {self._tag}{name}",
            f"link set {name} up",
            *(f"addr add {address} dev {name} nodad" for address in _sized(server)),
        )
        lines = [f"addr add {address} dev e nodad" for address in _sized(own)]
        lines += [f"route add default via {address}" for address in server]
        self.batch(name, "link set e up", *lines)

    def _twin(self, link: str, tag: int, main: bool) -> None:
        noprefixroute = "" if main else " noprefixroute"
        self.batch("air", f"link add b{link} type bridge mcast_snooping 0", f"link set b{link} up addrgenmode none")
        self.batch(
            "server",
            f"link add {link} address 02:00:00:00:00:01 type veth peer name to-{link} netns {self._tag}air",
            f"link set {link} up addrgenmode none",
            *(f"addr add {address} dev {link} nodad{noprefixroute}" for address in _sized(SERVER)),
            *(f"route add {subnet} dev {link} table {tag}" for subnet in SUBNETS),
            *(f"route add {prefix} dev lan table {tag}" for prefix in LAN),
            *(f"route add default via {address} dev internet table {tag}" for address in OUTSIDE["internet"][1]),
        )
        for family in ("-4", "-6"):
            rule = f"pref 73 fwmark {tag << 24:#x}/0xff000000 lookup {tag}"
            self.run("server", "ip", family, "rule", "add", *rule.split())
        self.batch("air", f"link set to-{link} master b{link} up addrgenmode none")
        self.run("server", "sysctl", "-qw", f"net.ipv4.conf.{link}.src_valid_mark=1")
        tagged = f'iifname "{link}" meta mark set {tag << 24:#x}'
        lines = (
            f"table inet tags_{link} {{",
            "chain c {",
            "type filter hook prerouting priority -400;",
            tagged,
            "}",
            "}",
        )
        self.run("server", "nft", "-f", "-", text="\n".join(lines) + "\n")

    def _inside(self, name: str, link: str, own: tuple[str, ...], mac: str, port: str) -> None:
        self.batch(
            "air",
            f"link add {port} type veth peer name e address {mac} netns {self._tag}{name}",
            f"link set {port} master b{link} up addrgenmode none",
        )
        lines = ["link set e up addrgenmode none"]
        for address, gate in zip(own, SERVER):
            lines += [
                f"addr add {address} dev e nodad",
                f"neigh add {gate} lladdr 02:00:00:00:00:01 dev e nud permanent",
                f"route add {gate} dev e",
                f"route add default via {gate} dev e src {address}",
            ]
            self.meet(address, link, mac)
        self.batch(name, *lines)

    def talk(self, kind: str, target: str) -> dict[str, str]:
        """What one and two, at the same time and from the same port, are taken for; "" of one that got no answer."""
        command = (sys.executable, "-c", _TALK, kind, target, str(next(self._ports)))
        pipe = subprocess.PIPE
        running = {
            name: subprocess.Popen(self.command(name, *command), stdout=pipe, stderr=pipe, text=True)
            for name in ("one", "two")
        }
        return {name: process.communicate()[0].strip() for name, process in running.items()}


def _sized(addresses: tuple[str, ...]) -> list[str]:
    return [address + ("/64" if ":" in address else "/24") for address in addresses]


@pytest.fixture(scope="module", params=BACKENDS)
def hosts(request: pytest.FixtureRequest) -> Iterator[tuple[Tenants, str]]:
    found = Tenants()
    try:
        found.build()
        yield found, request.param
    finally:
        found.remove()


TARGETS = {"internet": OUTSIDE["internet"][1], "lan": OUTSIDE["lan"][1], "server": SERVER, "neighbour": MATE}


@pytest.mark.parametrize("masquerade", ["internet", "nothing"])
def test_one_address_and_one_port_are_two_conversations(hosts: tuple[Tenants, str], masquerade: str) -> None:
    """Also where there is no NAT at all: the server's own address is all that the internet knows then, or none."""
    server, backend = hosts
    accesses = access("wg0", masquerade), access("wg1", masquerade)._replace(port=51821)
    server.converge(backend, *accesses, twins=TWINS)
    assert server.converge(backend, *accesses, twins=TWINS)["equal"]
    for name, target in TARGETS.items():
        for family in FAMILIES:
            seen = CLIENT[family]
            if name == "internet" and masquerade == "internet":
                seen = OUTSIDE["internet"][0][family]
            for kind in ("tcp", "udp"):
                told = server.talk(kind, target[family])
                assert told == dict.fromkeys(("one", "two"), seen), (name, family, kind, json.dumps(told))


def test_without_being_told_apart_they_are_in_each_others_way(hosts: tuple[Tenants, str]) -> None:
    """What the rules are for."""
    server, backend = hosts
    server.converge(backend, access("wg0", "internet"), access("wg1", "internet")._replace(port=51821))
    for family in FAMILIES:
        told = server.talk("tcp", TARGETS["internet"][family])
        assert "" in told.values()
