# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A hub with many runners: from empty, without changes, and all removed, against `ip -batch`."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable

from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import read
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.world import Run
from ansible_collections.weft.overlay.plugins.module_utils.diff.stored import files_of
from ansible_collections.weft.overlay.plugins.module_utils.edge import program
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import COMMAND_PATH, PROGRAM_ROOT

from .machine import inside, timed

BATCH = "ip -batch"
EMPTY_TO_FULL = "from empty"
UNCHANGED = "no change"
REMOVE_ALL = "all removed"
# Seconds in which the kernel takes the last machine's namespace down, under the lock that the next one needs.
_QUIET = 0.3

BARE = "bare interpreter"


class Hub:
    """One compiled plan and the program as it lies on a host, in `folder`."""

    def __init__(self, folder: str, runners: int) -> None:
        self._plan = _compile(runners)
        install(folder)
        self._command = command_of(self._plan, folder)
        self._full = write_plan(f"{folder}/full.json", self._plan)
        self._none = write_plan(f"{folder}/none.json", HostPlan(self._plan.host, self._plan.role))

    def round(self, turn: int) -> dict[str, float]:
        """Each of both ways once, in a machine of its own; they take turns at being first."""
        ways: list[Callable[[], dict[str, float]]] = [self._ip_batch, self._weft]
        found: dict[str, float] = {}
        for way in ways if turn % 2 else reversed(ways):
            time.sleep(_QUIET)
            found.update(inside(way))
        return found

    def _ip_batch(self) -> dict[str, float]:
        found = {BATCH: timed(["ip", "-batch", "-"], "\n".join(self._lines()) + "\n")}
        # Leave it as empty as the other way does: taking a full one down takes longer than _QUIET.
        vxlans = [link.name for link in self._plan.links if link.kind == "vxlan"]
        lines = [*(f"link set {name} group 7" for name in vxlans), "link del group 7"]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)
        return found

    def _weft(self) -> dict[str, float]:
        found = {EMPTY_TO_FULL: timed(self._apply(self._full))}
        found[UNCHANGED] = timed(self._apply(self._full))
        listed = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True)
        count = len(listed.stdout.splitlines())
        if count != len(self._plan.links) + 2:
            raise RuntimeError(f"{count} links are there after applying a plan of {len(self._plan.links)}")
        found[REMOVE_ALL] = timed(self._apply(self._none))
        found[BARE] = timed([*self._command[:-1], "-c", "pass"])
        return found

    def _apply(self, plan: str) -> list[str]:
        """What the systemd unit runs at boot, with another plan."""
        return [*self._command, "apply", plan]

    def _lines(self) -> list[str]:
        """The same VXLANs, their addresses and ups."""
        found = []
        for link in self._plan.links:
            if link.kind == "vxlan":
                ends = f"local {link.local} remote {link.remote}"
                found.append(f"link add {link.name} type vxlan id {link.vni} {ends} dstport {link.port} nolearning")
        vxlans = {link.name for link in self._plan.links if link.kind == "vxlan"}
        found += [f"addr add {a.address} dev {a.link}" for a in self._plan.addresses if a.link in vxlans]
        return found + [f"link set {name} up" for name in sorted(vxlans)]


def _compile(runners: int) -> HostPlan:
    intent = parse("version: 1\noverlay: {}\n", "bench")
    variables = {f"runner{n}": {"underlay_address": f"198.18.{1 + n // 200}.{1 + n % 200}"} for n in range(runners)}
    inventory, faults = read({"hub": {"underlay_address": "198.18.0.1"}}, variables)
    compiled = compile_domain(intent, inventory, EMPTY, Run({}, offline=True))
    for fault in (*faults, *compiled.faults):
        raise RuntimeError(str(fault))
    return compiled.plans["hub"]


def install(folder: str) -> None:
    """The host's program in a folder of its own."""
    for path, text in program.program().sources:
        os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
        with open(f"{folder}/{path}", "w", encoding="utf-8") as stream:
            stream.write(text)


def command_of(plan: HostPlan, folder: str) -> list[str]:
    """The line of the host's own command: interpreter, its options, program."""
    text = next(file.text for file in files_of(plan) if file.path == COMMAND_PATH)
    line = next(line for line in text.splitlines() if line.startswith("exec "))
    words = shlex.split(line.replace(f"{PROGRAM_ROOT}/current", folder))
    return [word for word in words[1:] if word != "$@"]


def write_plan(path: str, plan: HostPlan) -> str:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(to_json(plan))
    return path
