# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is at the hooks of a link, as others see it and change it: tc(8), and the kernel's own rows."""

from __future__ import annotations

import json
import os
import socket
import subprocess

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects, tcx
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import EGRESS, INGRESS, TCX
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import ATTACHMENT, NUMBER
from tests.integration.bpf.stage import Stage

# Of a program of ours, its hook.
ROWS = {INGRESS: tcx.INGRESS, EGRESS: tcx.EGRESS}
HOOKS = {INGRESS: "ingress", EGRESS: "egress"}


def tc(command: str) -> str:
    run = subprocess.run(["tc", *command.split()], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"tc {command}: {run.stderr}"
    return run.stdout


def at_hook(link: str, program: str, way: str) -> list[tuple[str, int]]:
    """Names and numbers of the programs at the hook that is this program's, in their order. tc(8) knows no rows."""
    if way != TCX:
        found = json.loads(tc(f"-j filter show dev {link} {HOOKS[program]}") or "[]")
        filters = [entry["options"] for entry in found if "handle" in entry.get("options", {})]
        return [(options["bpf_name"], options["prog"]["id"]) for options in filters]
    row = tcx.row(link, socket.if_nametoindex(link), ROWS[program])
    return [(_name(number), number) for number in row]


def take_out(link: str, program: str, way: str) -> None:
    """By hand. program: "" for all that there are."""
    if way != TCX:
        tc(f"filter del dev {link} {HOOKS[program]}" if program else f"qdisc del dev {link} clsact")
        return
    device = socket.if_nametoindex(link)
    for name in [program] if program else ROWS:
        numbers = tcx.row(link, device, ROWS[name])
        assert numbers, f"nothing is there: {link}, {name}"
        for number in numbers:
            handle = calls.program_by_number(number)
            assert handle is not None
            tcx.remove(link, device, ROWS[name], handle)
            os.close(handle)


def enter(stage: Stage, link: str, policed: Policed) -> None:
    """What programs know of a link."""
    handle = calls.pinned(objects.map_path(stage.folder, "attachments"))
    calls.put(handle, NUMBER.pack(stage.devices[link]), ATTACHMENT.pack(*policed))
    os.close(handle)


def _name(number: int) -> str:
    handle = calls.program_by_number(number)
    assert handle is not None
    try:
        return calls.program_info(handle).name
    finally:
        os.close(handle)
