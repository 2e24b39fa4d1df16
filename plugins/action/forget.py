# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ledger, after weft left hosts."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.forgetting import forgetting
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_ledger, write_ledger
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError

_ARGUMENTS = {
    "ledger": {"type": "path", "required": True},
    "groups": {"type": "list", "elements": "str", "required": True},
}


class ActionModule(ActionBase):
    """Reads what hosts said in this run; no connection is opened."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS)
        groups, hostvars = task_vars["groups"], task_vars["hostvars"]
        members = {host for group in given["groups"] for host in groups.get(group, ())}
        said = {host: hostvars[host].get("weft_left") or {} for host in members}
        kept = {host: done["kept"] for host, done in said.items() if "kept" in done}
        try:
            before = read_ledger(given["ledger"])
            found = forgetting(before, members, kept)
            changed = found.ledger != before
            if changed and not self._task.check_mode:
                write_ledger(given["ledger"], found.ledger)
        except (WeftError, OSError) as error:
            raise AnsibleActionFail(f"weft has left the hosts, but {error}") from error
        for note in found.notes:
            Display().display(f"note: {note}")
        return {**result, "changed": changed, "notes": list(found.notes)}
