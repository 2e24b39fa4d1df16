# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: benchmark_check
short_description: Check that every interface of a benchmark can be measured
version_added: 0.1.0
description:
  - Runs on the client, while M(weft.overlay.benchmark_serve) runs on the servers. For every interface and address
    family, packets of all sizes up to the link's MTU have to come through the tunnel, and iperf3 has to be reached.
  - Every fault of every interface is told at once.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  targets:
    description: What M(weft.overlay.benchmark_schedule) returned as C(targets).
    type: dict
    required: true
  load:
    description: What M(weft.overlay.benchmark_schedule) returned as C(load).
    type: dict
    required: true
attributes:
  check_mode:
    support: none
    description: Packets have to be sent.
  diff_mode:
    support: none
    description: Nothing is changed.
"""

EXAMPLES = r"""
- name: Check that everything can be measured
  weft.overlay.benchmark_check:
    targets: "{{ weft_benchmark_schedule.targets }}"
    load: "{{ weft_benchmark_schedule.load }}"
"""

RETURN = r"""
interfaces:
  description: MTU of the client's link in bytes, and age of the latest handshake in seconds, by interface.
  returned: success
  type: dict
  sample: {wg1: {handshake: 3, mtu: 1420}}
faults:
  description: What cannot be measured, and why.
  returned: when something cannot be measured
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.check import check
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run
from ansible_collections.weft.overlay.plugins.module_utils.measure.schedule import from_data
from ansible_collections.weft.overlay.plugins.module_utils.measure.work import Settings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "dict", "required": True},
            "load": {"type": "dict", "required": True},
        }
    )
    targets = [from_data(target) for target in module.params["targets"].values()]
    settings = Settings(**module.params["load"])
    run(module, lambda: {"changed": False, "interfaces": check(targets, settings)})


if __name__ == "__main__":
    main()
