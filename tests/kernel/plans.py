# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that converge leaves on a host: its plan, the program and the unit that applies it at boot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import Run, compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import read
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.diff.stored import files_of
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import PROGRAM_ROOT
from tests.kernel.disk import Content

_COLLECTIONS = Path(__file__).resolve().parents[2] / ".collections"
# In an interpreter of its own, as on a host: there is nothing of the controller's in it, and no loader of Ansible's.
_PROGRAM = """
import json
from ansible_collections.weft.overlay.plugins.module_utils.edge import boot, program
print(json.dumps(program.program()))
"""

UNDERLAY = {"hub": "198.18.0.10", "runner1": "198.18.0.11", "runner2": "198.18.0.12"}
ROUTER = "198.18.0.13"
UPLINK = "/etc/systemd/network/10-uplink.network.d/address.conf"
NOTHING = "/etc/lane/nothing.json"


def plans() -> dict[str, HostPlan]:
    """A hub and two runners at the default sizes; runner1 has the number 1."""
    intent = parse("version: 1\noverlay: {}\n", "domain.yaml")
    hosts = {name: {"underlay_address": address} for name, address in UNDERLAY.items()}
    hub = {"hub": hosts.pop("hub")}
    inventory, faults = read(hub, hosts)
    compiled = compile_domain(intent, inventory, EMPTY, Run({}, offline=True))
    assert [*faults, *compiled.faults] == []
    return dict(compiled.plans)


def stored(plan: HostPlan) -> dict[str, Content]:
    """What is on the disk of a host with this plan, its uplink's address included.

    At NOTHING there is a plan by which it would have nothing of ours.
    """
    environment = {"PYTHONPATH": str(_COLLECTIONS)}
    run = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True)
    digest, sources, _objects = json.loads(run.stdout)
    found = {f"{PROGRAM_ROOT}/{digest}/{path}": Content(text) for path, text in sources}
    found[f"{PROGRAM_ROOT}/current"] = Content("", target=digest)
    for file in files_of(plan):
        found[file.path] = Content(file.text, file.mode, file.target)
    found[UPLINK] = Content(f"[Network]\nAddress={UNDERLAY.get(plan.host, ROUTER)}/24\n")
    found[NOTHING] = Content(to_json(HostPlan(plan.host, plan.role)))
    return found
