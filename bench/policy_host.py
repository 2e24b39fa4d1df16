# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts that forward: a network namespace each, with a link to where packets are made and one to where they end.

What they forward to is a neighbour that is not there: the kernel drops a frame for another MAC as soon as it sees it,
so that nothing that is the same for all costs much.
"""

from __future__ import annotations

import ctypes
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import objects, support
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import Tables
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import mount
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.slots import STAMP_SIZE, Slots, Stamped
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink import routes, rules
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.channel import Channel
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route

from .policy_domain import LEFT, LEFT_MAC, NEXT_MAC, RIGHT, RIGHT_MAC, Domain
from .policy_sender import opened

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEXT = "198.18.1.2"
_SWITCHES = {
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
}
ROOT = Path(__file__).resolve().parent.parent
OBJECTS = tuple(str(ROOT / "files" / "bpf" / f"{hook}.bpf.o") for hook in ("ingress", "egress"))


def bpffs() -> str:
    """A folder for maps and programs. It is gone with the machine that this is called in."""
    folder = "/run/bpf"
    os.mkdir(folder)
    mount(folder)
    return folder


class Host:
    """Plain: it forwards all networks of the domain, by its main table. number: tells it apart from others."""

    def __init__(self, domain: Domain, number: int) -> None:
        self._domain = domain
        self._sink = f"sink{number}"
        outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _check(_LIBC.unshare(_CLONE_NEWNET), "unshare")
            self._space = os.open("/proc/self/ns/net", os.O_RDONLY)
            self._set_up(f"source{number}", f"/proc/{os.getpid()}/fd/{outside}")
        finally:
            _check(_LIBC.setns(outside, _CLONE_NEWNET), "setns")
            os.close(outside)
        for end in (f"source{number}", self._sink):
            ip(f"link set {end} up")
        self.source = opened(f"source{number}")

    def close(self) -> None:
        self.source.close()
        os.close(self._space)

    def delivered(self) -> int:
        """Frames that came out, since it is there."""
        for line in Path("/proc/self/net/dev").read_text(encoding="ascii").splitlines():
            name, _colon, counts = line.partition(":")
            if name.strip() == self._sink:
                return int(counts.split()[1])
        raise RuntimeError(f"{self._sink} is gone")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling process, and what it starts, are on the host."""
        outside = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _check(_LIBC.setns(self._space, _CLONE_NEWNET), "setns")
            yield
        finally:
            _check(_LIBC.setns(outside, _CLONE_NEWNET), "setns")
            os.close(outside)

    def _set_up(self, source: str, outside: str) -> None:
        for switch, value in _SWITCHES.items():
            Path(f"/proc/sys/net/{switch}").write_text(value, encoding="ascii")
        ip(f"link add name {LEFT} address {LEFT_MAC} type veth peer name {source} netns {outside}")
        ip(f"link add name {RIGHT} address {RIGHT_MAC} type veth peer name {self._sink} netns {outside}")
        ip(f"address add 198.18.0.1/24 dev {LEFT}")
        ip(f"address add 198.18.1.1/24 dev {RIGHT}")
        for link in ("lo", LEFT, RIGHT):
            ip(f"link set {link} up")
        ip(f"neighbour replace {_NEXT} lladdr {NEXT_MAC} dev {RIGHT} nud permanent")
        cidrs = [self._domain.cidr(number) for number in range(1, self._domain.networks + 1)]
        run(["ip", "-batch", "-"], "".join(f"route add {cidr} via {_NEXT} dev {RIGHT}\n" for cidr in cidrs))


def add_tables(host: Host, domain: Domain) -> None:
    """A routing table for each network that has a tag, and the rules that lead there."""
    found = routing(
        domain.tags, {name: [Route(domain.cidr(tag), _NEXT, RIGHT, "")] for name, tag in domain.tags.items()}
    )
    with host.entered():
        channel = Channel()
        try:
            index = {RIGHT: socket.if_nametoindex(RIGHT), "": 0}
            channel.carry_out([routes.add(route, index[route.link]) for route in found.routes])
            channel.carry_out([rules.add(rule) for rule in found.rules])
        finally:
            channel.close()


def add_programs(host: Host, folder: str, maps: PolicyMaps, tables: Tables, flags: int = 0) -> None:
    """Ours, with a policy, at the hooks that this kernel has. folder: on bpffs, of this host. flags: of both
    attachments."""
    objects.load(folder, OBJECTS)
    with Slots(folder) as slots:
        slots.switch(slots.write(Stamped(b"bench".ljust(STAMP_SIZE), tables)).slot)
    with host.entered():
        for found in maps.attachments:
            police(folder, found.interface, Policed(found.number, found.network, found.flags | flags))


@contextmanager
def without_tcx() -> Iterator[None]:
    """Programs get to their hooks as on a kernel before 6.6."""
    before = support.has_tcx
    support.has_tcx = lambda: False
    try:
        yield
    finally:
        support.has_tcx = before


def add_nft(host: Host, domain: Domain) -> None:
    """One verdict map: addresses, protocol and port in one lookup."""
    elements = ",".join(f"{one.source} . {one.destination} . udp . {one.port} : accept" for one in domain.allowed)
    text = (
        "table ip bench { map allowed { type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict; "
        f"elements = {{ {elements} }} }}\n"
        "chain forward { type filter hook forward priority 0; policy drop; "
        "ip saddr . ip daddr . meta l4proto . th dport vmap @allowed; }; }\n"
    )
    with host.entered():
        run(["nft", "-f", "-"], text)


def add_iptables(host: Host, domain: Domain) -> None:
    """A rule of the chain FORWARD for each rule, in no order: the frames are not of the first ones."""
    anyhow = random.Random(1).sample(domain.allowed, len(domain.allowed))  # noqa: S311  # nothing is kept secret by it
    lines = [f"-A FORWARD -s {one.source} -d {one.destination} -p udp --dport {one.port} -j ACCEPT" for one in anyhow]
    with host.entered():
        run([IPTABLES_RESTORE], "\n".join(["*filter", ":FORWARD DROP", *lines, "COMMIT", ""]))


# The old one is the faster of the two.
IPTABLES_RESTORE = "iptables-legacy-restore"


def ip(command: str) -> None:
    run(["ip", *command.split()])


def run(command: list[str], text: str = "") -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[:500]}")


def _check(code: int, what: str) -> None:
    if code:
        raise OSError(ctypes.get_errno(), what)
