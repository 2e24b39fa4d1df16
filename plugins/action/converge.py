# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hands each host its own plan, read from the build folder, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.edge.objects import read
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_plan
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError, WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import from_json, to_json

_FILES = Path(__file__).resolve().parents[2] / "files" / "bpf"
_ARGUMENTS = {
    "plan": {"type": "str"},
    "build": {"type": "path"},
    "objects": {"type": "dict", "default": {}},
    "persist": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["planned", "absent"], "default": "planned"},
    "observe": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """The plan travels as an argument: it holds no secrets, and intent is never templated on the way."""

    supports_raw_params = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS, mutually_exclusive=[("plan", "build")])
        if given["observe"]:
            seen = self._execute_module("weft.overlay.converge", module_args={"observe": True}, task_vars=task_vars)
            return {**result, **seen}
        if given["state"] == "absent":
            gone = self._execute_module("weft.overlay.converge", module_args={"state": "absent"}, task_vars=task_vars)
            return {**result, **gone}
        try:
            arguments = _arguments(given, task_vars["inventory_hostname"])
        except WeftError as error:
            raise AnsibleActionFail(str(error)) from error
        if arguments is None:
            return {**result, "skipped": True, "skip_reason": "the intent plans nothing for this host"}
        done = self._execute_module("weft.overlay.converge", module_args=arguments, task_vars=task_vars)
        # What was sent need not come back from every host.
        done.get("invocation", {}).get("module_args", {}).pop("objects", None)
        return {**result, **done}


def _arguments(given: dict[str, Any], host: str) -> dict[str, Any] | None:
    """The module's, with the collection's own compiled programs, unless others were given. None: there is no plan."""
    if given["build"]:
        plan = read_plan(given["build"], host)
        if plan is None:
            return None
    elif given["plan"]:
        plan = from_json(given["plan"])
    else:
        raise PlanError("there is no plan; compile it again")
    objects = given["objects"]
    if plan.policy is not None and not objects:
        objects = read(str(_FILES))
    return {"plan": to_json(plan), "persist": given["persist"], "objects": objects}
