# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: benchmark_look
short_description: Record what of a host explains the figures of a benchmark
version_added: 0.1.0
description:
  - Reports kernel, processors, versions, sysctls, and the settings of the links that are measured and of the devices
    below them.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  peers:
    description: Links of this host that are measured, each with the public key of the peer at its other end.
    type: dict
    required: true
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: There is nothing to compare.
"""

EXAMPLES = r"""
- name: Record what explains the figures
  weft.overlay.benchmark_look:
    peers: {wg1: 9j3ePvZUpYc+0PzHe4mCcYFLBkOsZ5ZVq1tQ0Q4R+yM=}
"""

RETURN = r"""
environment:
  description: What was seen. Nothing of it is secret.
  returned: success
  type: dict
  sample:
    kernel: 6.1.0-37-amd64
    links: {wg1: {implementation: userspace, mtu: 1420}}
    processors: 4
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.look import look
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run


def main() -> None:
    module = AnsibleModule(argument_spec={"peers": {"type": "dict", "required": True}}, supports_check_mode=True)
    run(module, lambda: {"changed": False, "environment": look(module.params["peers"])})


if __name__ == "__main__":
    main()
