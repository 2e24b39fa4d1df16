# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hands each host the plan that the intent has for it, to compare itself with, and the digests of this release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.diff.policy import NO_OBJECTS
from ansible_collections.weft.overlay.plugins.module_utils.edge.objects import read, unpack
from ansible_collections.weft.overlay.plugins.module_utils.edge.program import program
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_plan
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json

_FILES = Path(__file__).resolve().parents[2] / "files" / "bpf"
_ARGUMENTS = {"build": {"type": "path"}, "probes": {"type": "list", "elements": "dict"}}


class ActionModule(ActionBase):
    """A host that the intent plans nothing for is asked too."""

    supports_raw_params = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS, mutually_exclusive=[("build", "probes")])
        try:
            arguments = (
                {"probes": given["probes"]}
                if given["probes"] is not None
                else _arguments(given["build"], task_vars["inventory_hostname"])
            )
        except WeftError as error:
            raise AnsibleActionFail(str(error)) from error
        done = self._execute_module("weft.overlay.status", module_args=arguments, task_vars=task_vars)
        # What was sent need not come back from every host.
        done.pop("invocation", None)
        return {**result, **done}


def _arguments(build: str | None, host: str) -> dict[str, Any]:
    plan = read_plan(build, host) if build else None
    if plan is None:
        return {}
    objects = unpack(read(str(_FILES))) if plan.policy is not None else NO_OBJECTS
    return {"plan": to_json(plan), "program": program(objects).digest, "objects": objects.digest}
