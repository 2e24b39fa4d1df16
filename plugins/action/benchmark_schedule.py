# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Decides on the controller what a benchmark measures, before any host is contacted."""

from __future__ import annotations

import datetime
import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.asked import Asked, faults_of, turns_of
from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.files import plans_of, read_run
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import Fault, FaultsError, MeasureError
from ansible_collections.weft.overlay.plugins.plugin_utils import plots

_ARGUMENTS = {
    "build": {"type": "path", "required": True},
    "folder": {"type": "path", "required": True},
    "client": {"type": "str", "required": True},
    "interfaces": {"type": "list", "elements": "str", "default": []},
    "baseline": {"type": "str"},
    "rounds": {"type": "int", "default": 3},
    "seconds": {"type": "int", "default": 10},
    "pings": {"type": "int", "default": 100},
    "interval": {"type": "float", "default": 0.02},
    "port": {"type": "int", "default": 5201},
    "seed": {"type": "int", "default": 1},
    "compare": {"type": "path"},
}


class ActionModule(ActionBase):
    """Reads plans; opens no connection."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS)
        build, folder, compare = (given.pop(name) for name in ("build", "folder", "compare"))
        asked = Asked(**{**given, "interfaces": tuple(given["interfaces"]), "baseline": given["baseline"] or None})
        try:
            found = _turns(asked, build, compare, set(task_vars["hostvars"]))
        except FaultsError as error:
            return {**result, "failed": True, "msg": str(error), "faults": [one._asdict() for one in error.faults]}
        for line in found["lines"]:
            Display().display(line)
        now = datetime.datetime.now(datetime.timezone.utc)
        place = os.path.join(folder, now.strftime("%Y%m%dT%H%M%SZ"))
        return {**result, "changed": False, **found, "started": now.isoformat(timespec="seconds"), "folder": place}


def _turns(asked: Asked, build: str, compare: str | None, known: set[str]) -> dict[str, Any]:
    """What could spoil the run at its end is tried here as well: the plots, and the run to compare with."""
    faults = faults_of(asked, known)
    if plots.MISSING:
        faults.append(Fault("controller", "", plots.MISSING))
    if faults:
        raise MeasureError(tuple(faults))
    if compare:
        read_run(compare)
    return turns_of(asked, plans_of(build))
