# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: benchmark_serve
short_description: Start and stop the server's end of a benchmark
version_added: 0.1.0
description:
  - Runs iperf3 in the background, on the VPN addresses given and on no other, and records what each test costs this
    machine. Files, links and the firewall stay as they are.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  state:
    description:
      - V(started) returns when every address is listened on.
      - V(stopped) returns the records; nothing of it runs any more then. It is no error if nothing was running.
    type: str
    choices: [started, stopped]
    required: true
  listeners:
    description: Links of this host and the VPN address of each. Needed with O(state=started).
    type: list
    elements: dict
    suboptions:
      link:
        description: Name of the link.
        type: str
        required: true
      address:
        description: Address to listen on.
        type: str
        required: true
  port:
    description: TCP and UDP port.
    type: int
    default: 5201
  idle:
    description: Seconds without a test after which it ends by itself.
    type: int
    default: 600
attributes:
  check_mode:
    support: none
    description: A process is started or stopped.
  diff_mode:
    support: none
    description: Nothing is changed for good.
"""

EXAMPLES = r"""
- name: Start the server's end
  weft.overlay.benchmark_serve:
    state: started
    listeners: [{link: wg1, address: 10.9.1.1}]
"""

RETURN = r"""
tests:
  description:
    - Each test with the cookie that iperf3 gave it, in the order of their ends; null where nothing was running.
  returned: when stopped
  type: list
  elements: dict
  sample:
    - {cookie: qn6nzbxy, link: wg1, usage: {busy: 9.1, process: 7.7, resident: 15302656, seconds: 10.02, stolen: 0.0}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.iperf import Listener
from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.server import start, stop
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run

_LISTENER = {"link": {"type": "str", "required": True}, "address": {"type": "str", "required": True}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped"], "required": True},
            "listeners": {"type": "list", "elements": "dict", "options": _LISTENER},
            "port": {"type": "int", "default": 5201},
            "idle": {"type": "int", "default": 600},
        },
        required_if=[("state", "started", ("listeners",))],
    )
    given = module.params

    def do() -> dict[str, object]:
        if given["state"] == "stopped":
            return {"changed": False, "tests": stop()}
        start([Listener(**listener) for listener in given["listeners"]], given["port"], given["idle"])
        return {"changed": False}

    run(module, do)


if __name__ == "__main__":
    main()
