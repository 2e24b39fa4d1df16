# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes on the controller what a benchmark measured, and compares two runs."""

from __future__ import annotations

import datetime
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.files import RESULT, read_run, write_run
from ansible_collections.weft.overlay.plugins.module_utils.measure import compare, table
from ansible_collections.weft.overlay.plugins.module_utils.measure.collect import collect
from ansible_collections.weft.overlay.plugins.module_utils.measure.metrics import METRICS, values
from ansible_collections.weft.overlay.plugins.module_utils.measure.page import page
from ansible_collections.weft.overlay.plugins.module_utils.measure.result import Result, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import MeasureError
from ansible_collections.weft.overlay.plugins.plugin_utils import plots

_LIST = {"type": "list", "elements": "dict"}
_MEASURED = ("schedule", "checked", "looked", "measured", "served")
_ARGUMENTS = {
    "folder": {"type": "path", "required": True},
    "compare": {"type": "path"},
    "schedule": {"type": "dict"},
    "checked": {"type": "dict"},
    "looked": _LIST,
    "measured": _LIST,
    "served": _LIST,
}


class ActionModule(ActionBase):
    """Reads only results of this run and files of the controller."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS, required_together=[_MEASURED])
        try:
            found = _written(given) if given["schedule"] else read_run(given["folder"])
            if given["compare"]:
                text = compare.text(read_run(given["compare"]), found)
                write_run(given["folder"], {"compare.txt": text.encode()})
                _show(text)
        except MeasureError as error:
            return {**result, "failed": True, "msg": str(error), "faults": [one._asdict() for one in error.faults]}
        if found.faults and given["schedule"]:
            return {**result, "failed": True, "msg": "\n".join(found.faults), "folder": given["folder"]}
        return {**result, "changed": False, "folder": given["folder"]}


def _written(given: dict[str, Any]) -> Result:
    """The folder of this run. Figures first: pictures can be drawn again from them."""
    found = collect(*(given[name] for name in _MEASURED))
    now = datetime.datetime.now(datetime.timezone.utc)
    found = found._replace(finished=now.isoformat(timespec="seconds"))
    text = table.text(found)
    write_run(given["folder"], {RESULT: to_json(found).encode(), "table.txt": text.encode()})
    pictures, files = {}, {}
    for metric in METRICS:
        taken = values(found, metric)
        if any(taken.values()):
            drawn = plots.draw(metric.key, metric.title, metric.unit, taken, found.baseline)
            pictures[metric.key], files[f"{metric.key}.png"] = drawn
    write_run(given["folder"], {"report.html": page(found, pictures).encode(), **files})
    _show(f"{text}\nwritten to {given['folder']}")
    return found


def _show(text: str) -> None:
    for line in text.splitlines():
        Display().display(line)
