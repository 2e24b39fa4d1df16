# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hands each host its own plan, read from the build folder, and comes back over a new connection to confirm."""

from __future__ import annotations

import getpass
import socket
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

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
    "seconds": {"type": "int", "default": 60},
    "lineage": {"type": "dict", "default": {}},
    "author": {"type": "dict", "default": {}},
    "force": {"type": "bool", "default": False},
    "confirm": {"type": "int"},
    "leaving": {"type": "dict", "default": {}},
    "observe": {"type": "bool", "default": False},
}
_MODULE = "weft.overlay.converge"
# Between two attempts to come back; and how long, once the host's time is over, until it has gone back.
_PAUSE = 2
_GOING_BACK = 30


class ActionModule(ActionBase):
    """The plan travels as an argument: it holds no secrets, and intent is never templated on the way."""

    supports_raw_params = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS, mutually_exclusive=[("plan", "build")])
        if given["observe"]:
            return {**result, **self._call({"observe": True}, task_vars)}
        author = {"name": _name(task_vars), **_intent(given["lineage"]), **given["author"]}
        if given["state"] == "absent":
            return {
                **result,
                **self._call({"state": "absent", "leaving": given["leaving"], "author": author}, task_vars),
            }
        if given["confirm"]:
            return {**result, **self._call({"confirm": given["confirm"], "author": author}, task_vars)}
        try:
            arguments = _arguments(given, task_vars["inventory_hostname"])
        except WeftError as error:
            raise AnsibleActionFail(str(error)) from error
        if arguments is None:
            return {**result, "skipped": True, "skip_reason": "the intent plans nothing for this host"}
        try:
            done = self._call({**arguments, "author": author}, task_vars)
        except AnsibleConnectionFailure as error:
            goes = f"if a change had begun there, it is undone within {given['seconds']} s"
            raise AnsibleConnectionFailure(f"{error}; {goes}") from error
        # What was sent need not come back from every host.
        done.get("invocation", {}).get("module_args", {}).pop("objects", None)
        if done.get("pending"):
            self._confirm(done, author, given["seconds"], task_vars)
        return {**result, **done}

    def _call(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        called: dict[str, Any] = self._execute_module(_MODULE, module_args=arguments, task_vars=task_vars)
        return called

    def _confirm(self, done: dict[str, Any], author: dict[str, Any], seconds: int, task_vars: Any) -> None:
        """The connection that the change was made over says nothing about the next one. A host that is not reached is
        asked until it has had its time to go back: only the host can say what became of the change."""
        asked = {"confirm": done["pending"], "author": author}
        end = time.monotonic() + seconds + _GOING_BACK
        answer, reason = self._come_back(asked, task_vars)
        if answer is None:
            host = task_vars["inventory_hostname"]
            Display().display(f"{host}: not reached after its change; it goes back in {seconds} s if that does not end")
        while answer is None and time.monotonic() < end:
            time.sleep(_PAUSE)
            answer, reason = self._come_back(asked, task_vars)
        if answer is None:
            answer = {"failed": True, "msg": _lost(done["pending"], reason)}
        if answer.get("failed"):
            done.update(failed=True, changed=False, unconfirmed=True, msg=answer["msg"])

    def _come_back(self, asked: dict[str, Any], task_vars: Any) -> tuple[dict[str, Any] | None, str]:
        """What the host says over a new connection; or None, and why there is none."""
        try:
            self._connection.reset()
            return self._call(asked, task_vars), ""
        except AnsibleConnectionFailure as error:
            return None, str(error)


def _lost(number: int, reason: str) -> str:
    return (
        f"the host was not reached after change {number}, nor after the time that it had to go back ({reason}); where "
        "it can be reached otherwise, `weft history` tells how it ended"
    )


def _name(task_vars: dict[str, Any]) -> str:
    """Who runs this: of AWX whoever started the job, else the user of this machine; and where."""
    return f"{task_vars.get('awx_user_name') or getpass.getuser()}@{socket.gethostname()}"


def _intent(lineage: dict[str, Any]) -> dict[str, Any]:
    """As compile returns it, in the words of an author."""
    return {"lineage": lineage["name"], "revision": lineage["revision"], "plans": lineage["plans"]} if lineage else {}


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
    passed = {name: given[name] for name in ("persist", "seconds", "force")}
    return {"plan": to_json(plan), "objects": objects, **passed}
