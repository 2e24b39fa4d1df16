# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Looks at a host by the module converge, which has all that this takes: what Ansible builds for the one task is there
for the other, and building it costs more than looking."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Without arguments."""

    supports_raw_params = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        seen = self._execute_module("weft.overlay.converge", module_args={"observe": True}, task_vars=task_vars)
        return {**result, **seen}
