# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The place of place.py, built: neighbours, a bridge and a tunnel."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import LAYER_3, PORTS
from tests.integration.bpf.hosts import Neighbour, Tunnel
from tests.integration.bpf.place import ADDRESSES, ATTACHMENTS, FIRST, maps
from tests.integration.bpf.stage import REASON_NAMES, Stage, ip

# The number of its attachment, in whose scope nobody speaks.
BRIDGE = 99


class Site:
    """web and db on the ports of a bridge, lan behind a tunnel, and the host that routes between them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        ip("link add name bridge type bridge mcast_snooping 0")
        for address, length in zip(ADDRESSES["host"], (16, 32)):
            ip(f"address add {address}/{length} dev bridge" + (" nodad" if ":" in address else ""))
        ip("link set bridge up")
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path(f"/proc/sys/net/{switch}").write_text("1")
        self.tunnel = Tunnel("tun")
        self._ends = ExitStack()
        self._ends.callback(self.tunnel.close)
        self.web, self.db = (self._neighbour(name) for name in ("web", "db"))
        ip("route add 10.20.8.0/24 dev tun")
        ip("route add fd00:20:8::/64 dev tun")
        for neighbour in (self.web, self.db):
            for subnet, host in zip(("10.20.8.0/24", "fd00:20:8::/64"), ADDRESSES["host"]):
                neighbour.run("ip", "route", "add", subnet, "via", host)
        stage.devices = {name: socket.if_nametoindex(name) for name in ("web", "db", "tun", "bridge")}
        stage.enforce(maps()._replace(attachments=()))

    def police(self, db: int = 0) -> None:
        """db: flags of its port."""
        for name, flags in (("web", 0), ("db", db), ("tun", LAYER_3)):
            police(self.stage.folder, name, Policed(ATTACHMENTS[name], FIRST, flags))
        police(self.stage.folder, "bridge", Policed(BRIDGE, FIRST, PORTS))

    def _neighbour(self, name: str) -> Neighbour:
        found = Neighbour(name)
        self._ends.callback(found.close)
        return found

    def close(self) -> None:
        self._ends.close()

    def reasons(self) -> set[str]:
        return {REASON_NAMES[found.reason] for found in counters(self.stage.folder)}
