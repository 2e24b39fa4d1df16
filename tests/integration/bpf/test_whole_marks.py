# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Marks on a host that others use as well: strict reverse-path filters, and those who reflect or restore marks as a
whole, ours with theirs."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest
from scapy.layers.inet import UDP
from scapy.packet import Raw

from ansible_collections.weft.overlay.plugins.module_utils.model.marks import FIRST_TABLE
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, Verdict
from tests.integration.bpf.hosts import Neighbour, until
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.outside import Outside, setting
from tests.integration.bpf.place import LAN, WORLD, echo, maps, network, packet, udp
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import ip
from tests.integration.bpf.test_ports import BRIEFLY, comes

both = pytest.mark.parametrize("family", FAMILIES)

_SUBNET = {"ipv4": "10.20.8.0/24", "ipv6": "fd00:20:8::/64"}
_RULES = 73, 89


@pytest.fixture
def outside(site: Site) -> Iterator[Outside]:
    found = Outside(site)
    try:
        yield found
    finally:
        found.close()


def kind_of(family: str) -> int:
    return socket.AF_INET6 if family == "ipv6" else socket.AF_INET


def route_by_tag(family: str, without_main: bool) -> None:
    """A table for network 1, whose tag is 1, and no way past it; the subnet behind the tunnel may be in it alone."""
    number, end = ("6", 1) if family == "ipv6" else ("4", 0)
    lookup, refuse = _RULES
    ip(f"-{number} rule add priority {lookup} fwmark 0x01000000/0xff000000 lookup {FIRST_TABLE}")
    ip(f"-{number} rule add priority {refuse} fwmark 0x01000000/0xff000000 unreachable")
    ip(f"-{number} route add {('10.20.0.0/16', 'fd00:20::/32')[end]} dev bridge table {FIRST_TABLE}")
    ip(f"-{number} route add {_SUBNET[family]} dev tun table {FIRST_TABLE}")
    if without_main:
        ip(f"-{number} route del {_SUBNET[family]} dev tun")


class Question:
    """From lan, behind the tunnel, to db, and back."""

    def __init__(self, site: Site, family: str) -> None:
        self.site, self.family = site, family
        self.door = site.db.socket(kind_of(family), socket.SOCK_DGRAM)
        self.door.bind((ADDRESSES["db"][family == "ipv6"], 53))
        self.door.settimeout(BRIEFLY)

    def arrives(self, words: bytes) -> bool:
        asked = network("lan", "db", self.family) / UDP(sport=40000, dport=53) / Raw(words)
        self.site.tunnel.send(bytes(asked))
        try:
            found, who = self.door.recvfrom(100)
        except TimeoutError:
            return False
        assert found == words
        self.door.sendto(b"to " + words, who)
        return b"to " + words in self.site.tunnel.receive(lambda raw: raw.endswith(b"to " + words))


@pytest.mark.parametrize("valid", [0, 1])
def test_a_strict_filter_of_reverse_paths_lets_a_network_pass_whose_routes_are_in_both_tables(
    site: Site, valid: int
) -> None:
    """As weft has them: what the main table says of our links is what a network's table is made from. So it does not
    matter whether the filter looks at the mark (src_valid_mark, which wg-quick sets)."""
    site.police()
    route_by_tag("ipv4", without_main=False)
    for link in ("all", "tun", "bridge"):
        setting(f"ipv4/conf/{link}/rp_filter", 1)
        setting(f"ipv4/conf/{link}/src_valid_mark", valid)
    question = Question(site, "ipv4")
    with question.door:
        assert question.arrives(b"question")


@pytest.mark.parametrize(("valid", "arrives"), [(0, False), (1, True)])
def test_with_routes_in_the_networks_table_alone_the_filter_has_to_look_at_the_mark(
    site: Site, valid: int, arrives: bool
) -> None:
    site.police()
    route_by_tag("ipv4", without_main=True)
    setting("ipv4/conf/tun/rp_filter", 1)
    setting("ipv4/conf/tun/src_valid_mark", valid)
    question = Question(site, "ipv4")
    with question.door:
        assert question.arrives(b"question") == arrives
        # without the filter it arrives either way
        setting("ipv4/conf/tun/rp_filter", 0)
        assert question.arrives(b"again")


@both
def test_what_the_kernel_itself_answers_with_a_reflected_mark_goes_by_the_networks_table(
    site: Site, family: str
) -> None:
    """fwmark_reflect: echoes, resets and errors have the mark of the packet that they answer. They are judged by what
    they are all the same; only their way has to be in the network's table."""
    asks = Verdict(LAN, WORLD, 58 if family == "ipv6" else 1, 128 if family == "ipv6" else 8, ALLOW, 0, 1)
    site.police()
    route_by_tag(family, without_main=True)
    question = bytes(packet("lan", ADDRESSES["host"][family == "ipv6"], family, echo(family), bare=True))
    setting("ipv6/fwmark_reflect" if family == "ipv6" else "ipv4/fwmark_reflect", 1)
    # what is not let in is not answered
    site.tunnel.send(question)
    site.stage.enforce(maps()._replace(attachments=(), verdicts=(*maps().verdicts, asks)))
    site.tunnel.send(question)
    reply = bytes([129 if family == "ipv6" else 0, 0])
    at = 40 if family == "ipv6" else 20
    assert site.tunnel.receive(lambda raw: raw[at : at + 2] == reply)
    assert "SOURCE" not in site.reasons()


def mangle(family: str, chain: str, *target: str) -> None:
    command = ["ip6tables" if family == "ipv6" else "iptables", "-t", "mangle", "-A", chain, "-j", *target]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{command}: {run.stderr}"


def ask(near: Neighbour, far: Neighbour, family: str, names: tuple[str, str]) -> tuple[socket.socket, socket.socket]:
    """Two ends of a flow, the first of which has asked; names: theirs."""
    at = family == "ipv6"
    one, other = near.socket(kind_of(family), socket.SOCK_DGRAM), far.socket(kind_of(family), socket.SOCK_DGRAM)
    one.bind((ADDRESSES[names[0]][at], 40000))
    other.bind((ADDRESSES[names[1]][at], 443))
    one.connect((ADDRESSES[names[1]][at], 443))
    one.send(b"question")
    assert other.recv(100) == b"question"
    other.connect((ADDRESSES[names[0]][at], 40000))
    for end in (one, other):
        end.settimeout(BRIEFLY)
    return one, other


def said(one: socket.socket, other: socket.socket, words: bytes) -> bool:
    """Whether what the second one says comes to the first one."""
    other.send(words)
    try:
        return one.recv(100) == words
    except TimeoutError:
        return False


@pytest.mark.fault("F44")
@both
@pytest.mark.parametrize("mask", [(), ("--nfmask", "0x00ffffff", "--ctmask", "0x00ffffff")], ids=["whole", "masked"])
def test_a_mark_that_is_restored_does_not_pass_for_judged(outside: Outside, family: str, mask: tuple[str, ...]) -> None:
    """CONNMARK --save-mark and --restore-mark without a mask: what answers a peer has the peer's tag although no hook
    of ours has seen it. It is judged where it leaves, as if it had none, and ends with the rule."""
    site = outside.site
    site.police()
    mangle(family, "FORWARD", "CONNMARK", "--save-mark")
    marked = ("-m", "connmark", "!", "--mark", "0")
    mangle(family, "PREROUTING", "CONNMARK", "--restore-mark", *mask, *marked)
    one, other = ask(site.web, outside.world, family, ("web", "world"))
    with one, other:
        assert said(one, other, b"answer")
        site.stage.enforce(maps()._replace(attachments=(), verdicts=()))
        assert not said(one, other, b"later")
        # what the peer itself sends is judged, whatever is restored afterwards
        one.send(b"more")
        with pytest.raises(TimeoutError):
            other.recv(100)


@both
def test_a_mark_that_is_restored_over_ours_takes_the_packet_for_unjudged(outside: Outside, family: str) -> None:
    """Where nothing was saved: then the packet of a peer is one that nobody has seen come in, and is dropped."""
    site = outside.site
    site.police()
    mangle(family, "PREROUTING", "CONNMARK", "--restore-mark")
    with site.db.wire() as wire:
        site.tunnel.send(bytes(packet("lan", "db", family, udp(53), bare=True)))
        assert not comes(wire, b"question")
    # after db's MAC was found
    until(lambda: "SOURCE" in site.reasons(), "nobody judged it")
