# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host that judges what web, on a port of its bridge, and lan, behind its tunnel, say: plans, and looks at it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import Outcome, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import attach
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import PROGRAMS
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.change import Change
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, VXLAN, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import RUNNER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER, Objects, objects_of
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import Attachment, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import Program
from tests.integration.bpf.hooked import HOOKS, at_hook
from tests.integration.bpf.hosts import Neighbour
from tests.integration.bpf.place import ADDRESSES, ATTACHMENTS, FIRST, MACS, WEB, WORLD, maps
from tests.integration.bpf.stage import OBJECTS

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
        self.neighbours: dict[str, Neighbour] = {}

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
        self.neighbours[name] = found
        return found

    def programs(self, link: str) -> dict[str, str]:
        return programs_at(link)

    def traces(self) -> list[str]:
        """Everything that a policy could leave behind."""
        # The kernel's own files there have a dot in their names.
        names = [name for name in os.listdir(os.path.dirname(BPF_FOLDER)) if "." not in name]
        hooks = [line for line in _run("tc", "qdisc", "show").splitlines() if "clsact" in line]
        programs = [
            f"{link}: {found}" for _number, link in socket.if_nameindex() for found in [programs_at(link)] if found
        ]
        return [*names, *hooks, *programs, ip_rules()]


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


class Watchful(HostKernel):
    """Looks at links before and after programs come to them: whether they are up, and how many they have.

    moments: by link.
    """

    def __init__(self) -> None:
        super().__init__(ask_docker=False, policies=True)
        self.moments: list[dict[str, tuple[bool, int]]] = []

    def _police(self, changes: Sequence[Change]) -> None:
        self._look(changes)
        super()._police(changes)
        self._look(changes)

    def _look(self, changes: Sequence[Change]) -> None:
        self.moments.append({change.key: (is_up(change.key), len(programs_at(change.key))) for change in changes})


def is_up(link: str) -> bool:
    return "UP" in json.loads(_run("ip", "-j", "link", "show", link))[0]["flags"]


def programs_at(link: str) -> dict[str, str]:
    """Programs by hook: name and number of each that is there."""
    found = {HOOKS[program]: at_hook(link, program, attach.way()) for program in PROGRAMS}
    return {hook: ", ".join(f"{name} {number}" for name, number in row) for hook, row in found.items() if row}


def _run(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{command}: {run.stderr}"
    return run.stdout
