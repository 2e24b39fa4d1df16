# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The summary of a run, from what its tasks registered on every host; or just some lines."""

from __future__ import annotations

import os
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.again import command
from ansible_collections.weft.overlay.plugins.module_utils.edge.ending import Hosts, ending
from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import Next, Told, report

_ARGUMENTS = {
    "hosts": {"type": "list", "elements": "str"},
    "lines": {"type": "list", "elements": "str"},
    "leaving": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Reads only results of this run."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS, mutually_exclusive=[("hosts", "lines")])
        lines = given["lines"]
        if lines is None:
            lines = report(_told(given, task_vars), _next(given["leaving"], self._task.check_mode))
        for line in lines:
            Display().display(line)
        return {**result, "changed": False, "summary": lines}


def _told(given: dict[str, Any], task_vars: dict[str, Any]) -> Told:
    compiled = task_vars.get("weft_compiled") or {}
    everybody, going_on = task_vars["ansible_play_hosts_all"], task_vars["ansible_play_hosts"]
    hosts = Hosts(everybody, going_on, task_vars["ansible_play_batch"])
    leaving = compiled.get("leaving", {})
    refused = str(compiled.get("msg") or "its error is above").splitlines() if compiled.get("failed") else None
    if not compiled and not given["hosts"]:
        refused = ["the error above ended this run before there was a plan"]
    names = everybody if refused else {*(given["hosts"] or []), *compiled.get("hosts", []), *leaving}
    said = task_vars["hostvars"]
    return Told(
        {host: ending(host, said[host], hosts, _networks(compiled, host)) for host in sorted(names)},
        refused=refused,
        notes=compiled.get("notes", []),
        changed=[host for host, found in compiled.get("changes", {}).items() if found],
        runners=task_vars["groups"].get("runners", []),
        leaving=leaving,
    )


def _next(leaving: list[str], check: bool) -> Next:
    options, folder = context.CLIARGS, os.getcwd()
    named = tuple(f"target={name}" for name in leaving)
    remove = command(options, "remove_runner", ("target=NAME",), folder)
    return Next(command(options, "", named, folder), remove, check)


def _networks(compiled: dict[str, Any], host: str) -> dict[str, dict[str, int]]:
    """What community.docker did, in the same shape; nothing where it had nothing to do."""
    todo = compiled.get("networks", {}).get(host, {})
    actions = {"add": len(todo.get("create", ())), "remove": len(todo.get("remove", ()))}
    found = {action: count for action, count in actions.items() if count}
    return {"Docker network": found} if found else {}
