# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two networks of twins.py, built: a host with an interface in each, both with the same subnet, and a routing table
for each network."""

from __future__ import annotations

import socket
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from tests.integration.bpf.hosts import Neighbour, until
from tests.integration.bpf.stage import REASON_NAMES, Stage, ip
from tests.integration.bpf.twins import ADDRESSES, ANNS, BOBS, CIDRS, LINKS, MARKS, SHADOWS, maps

MTU = 1500
# Both ends of a link have it: like a tunnel, it has no neighbours to ask for.
_MAC = "02:00:00:00:00:12"
_TABLES = {ANNS: 2011, BOBS: 2012}
_LENGTHS = (16, 32)
_TAG_MASK = 0xFF000000


class End(Neighbour):
    """ann or bob, at the other end of a link of the host."""

    def __init__(self, who: str) -> None:
        self.who = who
        super().__init__(LINKS[who][0])

    def _set_up(self, _bridge: str) -> None:
        home = socket.if_nametoindex("lo"), Path("/proc/self/ns/net").stat().st_ino
        until(lambda: Path(f"/proc/{self._process.pid}/ns/net").stat().st_ino != home[1], "no namespace")
        ip(f"link add {self.name} address {_MAC} arp off type veth peer name port netns {self._process.pid}")
        self.run("ip", "link", "set", "port", "address", _MAC, "arp", "off")
        ip(f"link set {self.name} up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "port", "up")
        for single, length, gateway in zip(ADDRESSES[self.who], _LENGTHS, ADDRESSES["hut"]):
            dad = ["nodad"] if ":" in single else []
            self.run("ip", "address", "add", f"{single}/{length}", "dev", "port", *dad)
            self.run("ip", "route", "add", "default", "via", gateway)


class TwinSite:
    """Nothing is policed until police() is called."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/conf/all/rp_filter"):
            Path(f"/proc/sys/net/{switch}").write_text("1")
        self.ends: dict[str, End] = {}
        try:
            for who, network in (("ann", ANNS), ("bob", BOBS)):
                self.ends[who] = End(who)
                self._route(LINKS[who][0], network)
        except BaseException:
            self.close()
            raise
        stage.devices = {name: socket.if_nametoindex(name) for name in ("web", "far")}
        stage.enforce(maps()._replace(attachments=()))

    def _route(self, link: str, network: int) -> None:
        """Only a network's own table leads into it. The main table knows where its shadow is: by that sources are
        checked (rp_filter), and the host's own errors find their way."""
        for single, length, cidr, shadow in zip(ADDRESSES["hut"], _LENGTHS, CIDRS, SHADOWS[network]):
            family = "-6" if ":" in single else "-4"
            dad = " nodad" if family == "-6" else ""
            ip(f"address add {single}/{length} dev {link} noprefixroute{dad}")
            ip(f"route add {cidr} dev {link} table {_TABLES[network]}")
            ip(f"{family} route add unreachable default table {_TABLES[network]} metric 4000")
            ip(f"route add {shadow} dev {link}")
            ip(f"{family} rule add pref 73 fwmark {MARKS[network]:#x}/{_TAG_MASK:#x} lookup {_TABLES[network]}")

    def police(self) -> None:
        for who, network in (("ann", ANNS), ("bob", BOBS)):
            link, number = LINKS[who]
            police(self.stage.folder, link, Policed(number, network, 0))

    def close(self) -> None:
        for end in self.ends.values():
            end.close()

    def reasons(self) -> set[str]:
        return {REASON_NAMES[found.reason] for found in counters(self.stage.folder)}
