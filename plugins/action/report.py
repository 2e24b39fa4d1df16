# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The summary of a run, from what every host's converge returned."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import report


class ActionModule(ActionBase):
    """Reads only results of this run."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({"hosts": {"type": "list", "elements": "str", "required": True}})
        compiled = task_vars.get("weft_compiled") or {}
        counts, notes, failed, missing = {}, {"": compiled.get("notes", [])}, [], []
        for host in self._task.args["hosts"]:
            done = task_vars["hostvars"][host].get("weft_converged") or {}
            if done.get("failed"):
                failed.append(host)
            elif "counts" in done:
                counts[host] = done["counts"]
                notes[host] = done["notes"]
            else:
                missing.append(host)
        return {**result, "changed": False, "summary": report(counts, notes, missing, failed)}
