# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The summary of a run, from what every host's converge returned."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import AS_PLANNED, NOTHING_LEFT, report

_ARGUMENTS = {
    "hosts": {"type": "list", "elements": "str"},
    "lines": {"type": "list", "elements": "str"},
    "leaving": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Reads only results of this run."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS, required_one_of=[("hosts", "lines")])
        lines = given["lines"] or _lines(given["hosts"], task_vars, given["leaving"])
        for line in lines:
            Display().display(line)
        return {**result, "changed": False, "summary": lines}


def _lines(hosts: list[str], task_vars: dict[str, Any], leaving: bool) -> list[str]:
    compiled = task_vars.get("weft_compiled") or {}
    counts, notes, failed, missing = {}, {"": compiled.get("notes", [])}, [], []
    for host in hosts:
        done = task_vars["hostvars"][host].get("weft_converged") or {}
        if done.get("failed"):
            failed.append(host)
        elif "counts" in done:
            counts[host] = {**_networks(compiled, host), **done["counts"]}
            notes[host] = done["notes"]
        else:
            missing.append(host)
    return report(counts, notes, missing, failed, NOTHING_LEFT if leaving else AS_PLANNED)


def _networks(compiled: dict[str, Any], host: str) -> dict[str, dict[str, int]]:
    """What community.docker did, in the same shape; nothing where it had nothing to do."""
    todo = compiled.get("networks", {}).get(host, {})
    actions = {"add": len(todo.get("create", ())), "remove": len(todo.get("remove", ()))}
    found = {action: count for action, count in actions.items() if count}
    return {"Docker network": found} if found else {}
