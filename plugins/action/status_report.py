# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What all hosts said of themselves, as a table, as a file for machines, and as a page."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_ledger, read_plans, write_text
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.data import site_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.gathered import Told, site_of
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.page import page
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.text import lines
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError

_ARGUMENTS = {
    "build": {"type": "path", "required": True},
    "ledger": {"type": "path", "required": True},
    "path": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "fail": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Runs on the controller alone; no connection is opened."""

    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS)
        hostvars = task_vars["hostvars"]
        try:
            plans, ledger = read_plans(given["build"]), read_ledger(given["ledger"])
            told = {
                host: Told(
                    host in given["hosts"],
                    hostvars[host].get("weft_status"),
                    hostvars[host].get("weft_probed"),
                    hostvars[host].get("ansible_host"),
                )
                for host in sorted({*plans, *given["hosts"]} & set(hostvars))
            }
            site = site_of(plans, ledger, told, int(time.time()))
            files = [f"{given['path']}/status.json", f"{given['path']}/status.html"]
            write_text(files[0], json.dumps(site_data(site), indent=1, ensure_ascii=False) + "\n")
            write_text(files[1], page(site))
        except (WeftError, OSError) as error:
            return {**result, "failed": True, "msg": str(error)}
        shown = lines(site)
        for line in (*shown, f"the page: {files[1]}"):
            Display().display(line)
        failed = given["fail"] and not site.healthy
        more = {"failed": True, "msg": shown[-1]} if failed else {}
        return {**result, "changed": False, "healthy": site.healthy, "lines": shown, "files": files, **more}
