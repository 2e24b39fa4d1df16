# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: benchmark_measure
short_description: Do the measured work over one WireGuard interface once
version_added: 0.1.0
description:
  - Runs on the client - latency without load in both address families, TCP with one and with eight flows and the
    latency beside them, UDP in small packets; and what each of it cost this machine.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  target:
    description: One of what M(weft.overlay.benchmark_schedule) returned as C(targets).
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
- name: Measure one interface
  weft.overlay.benchmark_measure:
    target: "{{ weft_benchmark_schedule.targets.wg1 }}"
    load: "{{ weft_benchmark_schedule.load }}"
"""

RETURN = r"""
samples:
  description: What was measured, in order, raw.
  returned: success
  type: list
  elements: dict
  sample:
    - work: idle-ipv4
      at: 1795264910.125
      figures: {rtt_ms: [0.412, 0.398]}
      client: {busy: 0.31, process: 0.05, resident: 14123008, seconds: 2.04, stolen: 0.0}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.client import measure
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run
from ansible_collections.weft.overlay.plugins.module_utils.measure.schedule import from_data
from ansible_collections.weft.overlay.plugins.module_utils.measure.work import Settings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "target": {"type": "dict", "required": True},
            "load": {"type": "dict", "required": True},
        }
    )
    target, settings = from_data(module.params["target"]), Settings(**module.params["load"])
    run(module, lambda: {"changed": False, "samples": measure(target, settings)})


if __name__ == "__main__":
    main()
