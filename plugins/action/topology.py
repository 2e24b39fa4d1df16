# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What plans connect, and what each host is to ask the others."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_plans
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.gathered import addresses
from ansible_collections.weft.overlay.plugins.module_utils.edge.topology import topology


class ActionModule(ActionBase):
    """Runs on the controller alone; no connection is opened."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec({"build": {"type": "path", "required": True}})
        plans = read_plans(given["build"])
        hostvars = task_vars["hostvars"]
        found = {
            host: (hostvars[host].get("weft_status"), hostvars[host].get("ansible_host"))
            for host in plans
            if host in hostvars
        }
        probes = topology(plans, addresses(found)).probes
        asked = {host: [one._asdict() for one in each] for host, each in probes.items()}
        return {**result, "changed": False, "probes": asked}
