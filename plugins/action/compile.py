# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's half of a run: what the hosts said, the inventory and the intent become a plan for every host."""

from __future__ import annotations

import os
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import VARIABLES, Others
from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import KeysWanted
from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.facts import from_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import counts
from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import table
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # not a public interface: without it, faults of the inventory are told without a line
    Origin = None

_ARGUMENTS = {
    "intent": {"type": "path", "required": True},
    "ledger": {"type": "path", "required": True},
    "build": {"type": "path", "required": True},
    "offline": {"type": "bool", "default": False},
    "allow_empty": {"type": "bool", "default": False},
    "keep": {"type": "bool", "default": True},
    "new_keys": {"type": "list", "elements": "str", "default": []},
    "resolve": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
    "leaving": {"type": "list", "elements": "str", "default": []},
    "disconnect": {"type": "bool", "default": False},
}
# Whose hosts are asked and may have a plan.
_GROUPS = ("hubs", "runners", *Others._fields)


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
        same = ("offline", "allow_empty", "resolve", "new_keys", "force", "leaving", "disconnect")
        keep, mute = given["keep"] and not check, _mute(given["leaving"], task_vars)
        mode = Mode(keep=keep, mute=mute, **{name: given[name] for name in same})
        try:
            done = compile_project(project, _members(task_vars), _facts(task_vars), mode)
        except WeftError as error:
            faults = [fault._asdict() for fault in getattr(error, "faults", ())]
            return {**result, "failed": True, "msg": str(error), "faults": faults}
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
            "leaving": done.leaving,
            "lineage": done.compiled.ledger.lineage._asdict(),
            "keys_wanted": {host: _data(wanted) for host, wanted in done.compiled.keys_wanted.items()},
            "sealing": any(wanted.preshared for wanted in done.compiled.keys_wanted.values()),
            "wanting": done.wanting,
        }


def _data(wanted: KeysWanted) -> dict[str, Any]:
    """Lists and texts; of keys, the public ones alone."""
    return {
        "links": list(wanted.links),
        "clients": list(wanted.clients),
        "certificate": wanted.certificate,
        "preshared": [sealing._asdict() for sealing in wanted.preshared],
        "audit": wanted.audit,
    }


def _members(task_vars: dict[str, Any]) -> Members:
    """The whole inventory, whatever --limit says: a plan is made for every host."""
    hubs, runners = (_variables(task_vars, group) for group in ("hubs", "runners"))
    places = {
        (host, name): place
        for hosts in (hubs, runners)
        for host, variables in hosts.items()
        for name, value in variables.items()
        if (place := _place(value))
    }
    return Members(hubs, runners, places, Others(*(task_vars["groups"].get(group, ()) for group in Others._fields)))


def _variables(task_vars: dict[str, Any], group: str) -> dict[str, dict[str, Any]]:
    """Our variables of each host, and those that look like a slip of the pen in one of ours."""
    hostvars = task_vars["hostvars"]
    stems = tuple(name.split("_", maxsplit=1)[0] for name in VARIABLES)
    return {
        host: {
            name: hostvars[host][name]
            for name in hostvars[host]
            if name == "ansible_host" or name in VARIABLES or name.startswith(stems)
        }
        for host in task_vars["groups"].get(group, [])
    }


def _place(value: Any) -> str | None:
    """`hosts.yml:12`, where Ansible remembers it; a value that was computed has no place."""
    origin = Origin.get_tag(value) if Origin else None
    if origin is None or not origin.path:
        return None
    return f"{origin.path}:{origin.line_num}" if origin.line_num else str(origin.path)


def _mute(leaving: list[str], task_vars: dict[str, Any]) -> list[str]:
    """Of these, who answered and yet said nothing: no dead host, for all that is known."""
    answers = _answers(task_vars)
    return [host for host in leaving if answers.get(host, {}).get("failed") and not answers[host].get("unreachable")]


def _facts(task_vars: dict[str, Any]) -> dict[str, Facts]:
    """What each host said in this run; a host that did not answer is not in it."""
    answers = _answers(task_vars)
    return {host: from_data(answer["observed"]) for host, answer in answers.items() if answer.get("observed")}


def _answers(task_vars: dict[str, Any]) -> dict[str, Any]:
    """What became of looking at each host."""
    hostvars = task_vars["hostvars"]
    answers: dict[str, Any] = {}
    for group in _GROUPS:
        for host in task_vars["groups"].get(group, []):
            answers[host] = answers.get(host) or hostvars[host].get("weft_observed")
            # Asked once for all, and kept with every host of the play.
            answers.update(hostvars[host].get("weft_observed_elsewhere") or {})
    return {host: answer for host, answer in answers.items() if answer}
