# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Questions about policies, answered on the controller from what was compiled."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.edge.explain import explained, read_known, tabled
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError

_ARGUMENTS = {
    "build": {"type": "path", "required": True},
    "intent": {"type": "path"},
    "from": {"type": "str", "aliases": ["source"]},
    "to": {"type": "str", "aliases": ["destination"]},
    "protocol": {"type": "str"},
    "port": {"type": "int"},
    "type": {"type": "int"},
    "matrix": {"type": "bool", "default": False},
    "ports": {"type": "list", "elements": "str"},
    "peers": {"type": "list", "elements": "str"},
}
_OF_A_PACKET = ("from", "to", "protocol", "port", "type")


class ActionModule(ActionBase):
    """Runs on the controller alone; no connection is opened."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            _ARGUMENTS,
            required_if=[("matrix", True, ("ports",)), ("matrix", False, ("from", "to", "protocol"))],
            mutually_exclusive=[("port", "type"), *(("ports", one) for one in _OF_A_PACKET), ("peers", "from")],
        )
        try:
            what = read_known(given["build"], given["intent"])
            if given["matrix"]:
                lines = tabled(what, given["ports"], given["peers"] or ())
                return {**result, "changed": False, "lines": lines}
            answer = explained(what, {name: given[name] for name in _OF_A_PACKET})
        except WeftError as error:
            faults = [fault._asdict() for fault in getattr(error, "faults", ())]
            return {**result, "failed": True, "msg": str(error), "faults": faults}
        return {**result, "changed": False, **answer}
