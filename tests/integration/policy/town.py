# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host that judges what web, on a port of its bridge, and lan, behind its tunnel, say: plans, and looks at it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import Outcome, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, VXLAN, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import RUNNER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER, Objects, objects_of
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import Attachment, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import Program
from tests.integration.bpf.hosts import Neighbour
from tests.integration.bpf.place import ADDRESSES, ATTACHMENTS, FIRST, MACS, WEB, WORLD, maps
from tests.integration.bpf.stage import OBJECTS

_RTMGRP_LINK, _RTMGRP_TC = 1, 8
_RTM_NEWLINK, _RTM_NEWTFILTER = 16, 44
_IFF_UP = 1

BRIDGE_LINK = Link("bridge", BRIDGE, "weft:here", MACS["host"], ipv6=True)
TUNNEL = Link("vxlan0", VXLAN, "weft:hub", "02:00:00:00:00:05", 1450, "bridge", 101, 4789, "198.18.0.10", "198.18.0.11")
ON_BRIDGE = Attachment("bridge", ATTACHMENTS["web"], FIRST, 0)
ON_TUNNEL = Attachment("vxlan0", ATTACHMENTS["lan"], FIRST, 0)
LINKS = ("bridge", "vxlan0")


def policy(open_: bool = True) -> PolicyMaps:
    """open_: whether web may ask the host anything."""
    found = maps()
    lines = tuple(line for line in found.verdicts if open_ or (line.source, line.destination) != (WEB, WORLD))
    return found._replace(verdicts=lines, attachments=(ON_BRIDGE, ON_TUNNEL))


OPEN, SHUT = policy(), policy(open_=False)


def plan(maps_: PolicyMaps | None, **fields: Any) -> HostPlan:
    addresses = tuple(
        Address("bridge", f"{address}/{length}") for address, length in zip(ADDRESSES["host"], (16, 32), strict=True)
    )
    return HostPlan("here", RUNNER, links=(BRIDGE_LINK, TUNNEL), addresses=addresses, policy=maps_)._replace(**fields)


NOTHING = HostPlan("here", RUNNER)


def objects() -> Objects:
    return objects_of((os.path.basename(path), Path(path).read_bytes()) for path in OBJECTS)


class Town:
    """The host, in the namespaces that the process is in."""

    def __init__(self) -> None:
        self._ends = contextlib.ExitStack()

    def close(self) -> None:
        self._ends.close()

    def at_the_end(self, call: Callable[[], object]) -> None:
        """The last one first, while the namespaces are still there."""
        self._ends.callback(call)

    def converge(self, wanted: HostPlan, program: Program | None = None, brought: Objects | None = None) -> Outcome:
        return converge(wanted, self.kernel(wanted), program, brought or objects())

    def kernel(self, wanted: HostPlan | None = None) -> HostKernel:
        return HostKernel(ask_docker=False, policies=wanted is None or wanted.policy is not None)

    def changes(self, wanted: HostPlan) -> list[str]:
        """What a run did."""
        return [str(change) for change in self.converge(wanted).changes]

    def move_in(self, name: str = "web") -> Neighbour:
        found = Neighbour(name)
        self.at_the_end(found.close)
        return found

    def filters(self, link: str) -> dict[str, str]:
        """Programs by hook, as tc(8) sees them."""
        found = {}
        for hook in ("ingress", "egress"):
            for entry in json.loads(_run("tc", "-j", "filter", "show", "dev", link, hook) or "[]"):
                if "handle" in entry.get("options", {}):
                    found[hook] = f"{entry['options']['bpf_name']} {entry['options']['prog']['id']}"
        return found

    def traces(self) -> list[str]:
        """Everything that a policy could leave behind."""
        # The kernel's own files there have a dot in their names.
        names = [name for name in os.listdir(os.path.dirname(BPF_FOLDER)) if "." not in name]
        hooks = [line for line in _run("tc", "qdisc", "show").splitlines() if "clsact" in line]
        return [*names, *hooks, ip_rules()]


def answers(neighbour: Neighbour) -> bool:
    """Whether the host answers a neighbour, in both families alike."""
    found = {_pings(neighbour, address) for address in ADDRESSES["host"]}
    assert len(found) == 1, "one family passes, the other does not"
    return found.pop()


def _pings(neighbour: Neighbour, address: str) -> bool:
    process = neighbour.start("ping", "-c", "1", "-W", "1", address, stdout=subprocess.DEVNULL)
    return process.wait() == 0


def ip_rules() -> str:
    return _run("ip", "rule") + _run("ip", "-6", "rule") + _run("ip", "route", "show", "table", "all", "proto", "119")


def tc(command: str) -> str:
    return _run("tc", *command.split())


def ip(command: str) -> str:
    return _run("ip", *command.split())


class Events:
    """What happens to links and filters from now on, as the kernel tells it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        self._socket.bind((0, _RTMGRP_LINK | _RTMGRP_TC))

    def read(self) -> list[tuple[str, int]]:
        """("up" or "filter", index of the link), in order."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                buffer = self._socket.recv(1 << 16)
                start = 0
                while start < len(buffer):
                    size, kind = struct.unpack_from("=IH", buffer, start)
                    _family, index, flags = struct.unpack_from("=BxxxiI", buffer, start + 16)
                    if kind == _RTM_NEWLINK and flags & _IFF_UP:
                        found.append(("up", index))
                    elif kind == _RTM_NEWTFILTER:
                        found.append(("filter", index))
                    start += (size + 3) & ~3
        return found

    def close(self) -> None:
        self._socket.close()


def _run(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{command}: {run.stderr}"
    return run.stdout
