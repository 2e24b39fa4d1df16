# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes one client in the intent, on the controller; site.yml then makes it so."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.client import VERBS, do
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError

_ARGUMENTS = {
    "intent": {"type": "path", "required": True},
    "build": {"type": "path", "required": True},
    "verb": {"type": "str", "choices": list(VERBS), "required": True},
    "name": {"type": "str", "required": True},
    "fields": {"type": "dict", "default": {}},
    "new_key": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """The file is intent: read as data, never templated, and written as a whole or not at all."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS)
        project = Project(given["intent"], "", given["build"])
        fields = {name: value for name, value in given["fields"].items() if value not in (None, "")}
        try:
            done = do(project, given["verb"], given["name"], fields, given["new_key"], not self._task.check_mode)
        except WeftError as error:
            faults = [fault._asdict() for fault in getattr(error, "faults", ())]
            return {**result, "failed": True, "msg": str(error), "faults": faults}
        for line in done.lines:
            Display().display(line)
        diff = {"before": done.before, "after": done.after, "before_header": given["intent"]} if done.changed else {}
        told = {"changed": done.changed, "server": done.server, "new_key": done.anew, "lines": list(done.lines)}
        return {**result, **told, "diff": diff}
