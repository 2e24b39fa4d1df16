# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's half of a run: what the hosts said, the inventory and the intent become a plan for every host."""

from __future__ import annotations

import os
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import VARIABLES
from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.facts import from_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import counts
from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import table
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import FaultsError, WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts

_ARGUMENTS = {
    "intent": {"type": "path", "required": True},
    "ledger": {"type": "path", "required": True},
    "build": {"type": "path", "required": True},
    "offline": {"type": "bool", "default": False},
    "allow_empty": {"type": "bool", "default": False},
    "keep": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Runs on the controller alone; no connection is opened."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS)
        check = self._task.check_mode
        # A dry run leaves no trace beside the inventory either: its plans live as long as this run.
        build = os.path.join(constants.DEFAULT_LOCAL_TMP, "weft-build") if check else given["build"]
        project = Project(given["intent"], given["ledger"], build)
        mode = Mode(given["offline"], given["allow_empty"], given["keep"] and not check)
        try:
            done = compile_project(project, _members(task_vars), _facts(task_vars), mode)
        except FaultsError as error:
            faults = [fault._asdict() for fault in error.faults]
            raise AnsibleActionFail(str(error), result={"faults": faults}) from error
        except WeftError as error:
            raise AnsibleActionFail(str(error)) from error
        counted = {host: counts(found) for host, found in done.changes.items()}
        return {
            **result,
            # What changes on the controller is bookkeeping; a host's own converge says what changed there.
            "changed": False,
            "build": build,
            "hosts": sorted(done.compiled.plans),
            "networks": done.networks,
            "changes": {host: [str(change) for change in found] for host, found in done.changes.items()},
            "summary": table(counted) + [f"note: {note}" for note in done.compiled.notes],
            "notes": list(done.compiled.notes),
            "ledger_written": done.ledger_written,
        }


def _members(task_vars: dict[str, Any]) -> Members:
    """The whole inventory, whatever --limit says: a plan is made for every host."""
    return Members(*(_variables(task_vars, group) for group in ("hubs", "runners")))


def _variables(task_vars: dict[str, Any], group: str) -> dict[str, dict[str, Any]]:
    hostvars = task_vars["hostvars"]
    names = ("ansible_host", *VARIABLES)
    return {
        host: {name: hostvars[host][name] for name in names if name in hostvars[host]}
        for host in task_vars["groups"].get(group, [])
    }


def _facts(task_vars: dict[str, Any]) -> dict[str, Facts]:
    """What each host said in this run; a host that did not answer is not in it."""
    hostvars = task_vars["hostvars"]
    said = {}
    for group in ("hubs", "runners"):
        for host in task_vars["groups"].get(group, []):
            answers = [hostvars[host].get("weft_observed")]
            answers += (hostvars[host].get("weft_observed_elsewhere") or {}).get("results", [])
            for answer in answers:
                if answer and answer.get("observed"):
                    said[answer.get("item", host)] = from_data(answer["observed"])
    return said
