# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's half of a store: its files, what servers packed for it, and who it is that stores them."""

from __future__ import annotations

import getpass
import os
import socket
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import from_json
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import (
    Project,
    read_intent,
    read_ledger,
)
from ansible_collections.weft.overlay.plugins.module_utils.edge.store_files import (
    INTENT,
    LEDGER,
    files_of,
    keys_of,
    places,
    save,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.store.manifest import entry_of
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError

_STATES = ["placed", "seen", "written", "fetched", "released", "verified"]
_PATHS = ("path", "intent", "ledger", "build", "folder")
_ARGUMENTS = {
    "state": {"type": "str", "choices": _STATES, "required": True},
    **{name: {"type": "path"} for name in _PATHS},
    **{name: {"type": "str"} for name in ("server", "certificate")},
    **{name: {"type": "dict"} for name in ("place", "seen")},
    "first": {"type": "bool", "default": True},
    "generation": {"type": "int"},
}
_NEEDS = {
    "placed": ["intent"],
    "seen": ["place", "intent", "ledger", "build"],
    "written": ["place", "intent", "ledger", "build", "seen"],
    "fetched": ["path", "folder"],
    "released": ["path", "server", "certificate", "ledger"],
    "verified": ["path"],
}


class ActionModule(ActionBase):
    """Of what servers packed it sees sealed texts alone."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        needs = [("state", state, names) for state, names in _NEEDS.items()]
        _validation, given = self.validate_argument_spec(_ARGUMENTS, required_if=needs)
        try:
            done = getattr(self, f"_{given['state']}")(given, task_vars)
        except WeftError as error:
            faults = [fault._asdict() for fault in getattr(error, "faults", ())]
            return {**result, "failed": True, "msg": str(error), "faults": faults}
        return {**result, **done}

    def _placed(self, given: dict[str, Any], _task_vars: Any) -> dict[str, Any]:
        found = places(read_intent(given["intent"]))
        return {"changed": False, "places": [{**one._asdict(), "servers": list(one.servers)} for one in found]}

    def _seen(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        return self._ask("seen", given["place"]["path"], _request(given, _files(given)), task_vars)

    def _written(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        servers = {host: _packed(task_vars["hostvars"], host) for host in given["place"]["servers"]}
        packs = {host: packed for host, packed in servers.items() if packed}
        if not given["seen"]["stale"] and not any(packed["news"] for packed in packs.values()):
            return {"changed": False, "skipped": True, "skip_reason": "the store has everything"}
        files = _files(given)
        contents = {path: b64encode(files[path]).decode() for path in given["seen"]["wanted"]}
        request = {**_request(given, files), "contents": contents, "packs": packs, "who": _who()}
        return self._ask("written", given["place"]["path"], request, task_vars)

    def _fetched(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        done = self._ask("fetched", given["path"], {"paths": [INTENT, LEDGER]}, task_vars)
        files = done.pop("files", None)
        if files is None:
            return done
        # A dry run leaves no trace on the controller either.
        folder = given["folder"]
        if self._task.check_mode:
            folder = os.path.join(constants.DEFAULT_LOCAL_TMP, "weft-fetched")
        texts = [None if files[name] is None else b64decode(files[name]) for name in (INTENT, LEDGER)]
        return {**done, "folder": folder, "notes": [*done["notes"], *save(folder, *texts)]}

    def _released(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        request = {name: given[name] for name in ("server", "certificate", "generation")}
        done = self._ask("released", given["path"], request, task_vars)
        if "sealed" not in done:
            return done
        then = done.pop("ledger")
        ledger = from_json(then, "ledger.json of the store") if then else read_ledger(given["ledger"])
        return {**done, "expected": keys_of(ledger, given["server"])}

    def _verified(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        return self._ask("verified", given["path"], {}, task_vars)

    def _ask(self, state: str, path: str, request: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        arguments = {"state": state, "path": path, "request": request}
        done: dict[str, Any] = self._execute_module("weft.overlay.store", module_args=arguments, task_vars=task_vars)
        return done


def _files(given: dict[str, Any]) -> dict[str, bytes]:
    return files_of(Project(given["intent"], given["ledger"], given["build"]))


def _request(given: dict[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    place = given["place"]
    return {
        "files": {path: list(entry_of(data)) for path, data in files.items()},
        "servers": list(place["servers"]),
        "keep": place["keep"],
        "identity": place["identity"],
        "first": given["first"],
    }


def _packed(hostvars: Any, host: str) -> dict[str, Any] | None:
    """What a server packed in this run; None where it was not reached."""
    packed = hostvars[host].get("weft_packed") or {} if host in hostvars else {}
    return (
        {name: packed[name] for name in ("news", "clients", "sealed", "identity", "sealed_identity")}
        if "news" in packed
        else None
    )


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
