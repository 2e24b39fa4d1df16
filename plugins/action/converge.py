# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hands each host its own plan, read from the build folder, and nothing else."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_plan
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json

_ARGUMENTS = {
    "plan": {"type": "str"},
    "build": {"type": "path"},
    "persist": {"type": "bool", "default": True},
    "observe": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """The plan travels as an argument: it holds no secrets, and intent is never templated on the way."""

    supports_raw_params = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            _ARGUMENTS, mutually_exclusive=[("plan", "build")], required_one_of=[("plan", "build", "observe")]
        )
        if given["observe"]:
            seen = self._execute_module("weft.overlay.converge", module_args={"observe": True}, task_vars=task_vars)
            return {**result, **seen}
        text = given["plan"]
        if given["build"]:
            plan = read_plan(given["build"], task_vars["inventory_hostname"])
            if plan is None:
                return {**result, "skipped": True, "skip_reason": "the intent plans nothing for this host"}
            text = to_json(plan)
        if not text:
            raise AnsibleActionFail("the plan is empty; compile it again")
        arguments = {"plan": text, "persist": given["persist"]}
        done = self._execute_module("weft.overlay.converge", module_args=arguments, task_vars=task_vars)
        return {**result, **done}
