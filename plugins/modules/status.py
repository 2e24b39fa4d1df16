# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: status
short_description: Say how a host stands, and whom it reaches
version_added: 0.1.0
description:
  - Compares a host with the plan that is stored on it, and with the one that the intent says now, and tells what its
    tunnels, peers, services and policies do. Nothing is changed. On the host, C(weft status) says the same.
  - With O(probes) it asks other hosts instead, over their own addresses and through tunnels, and measures the path MTU.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  build:
    description:
      - Folder on the controller that M(weft.overlay.compile) wrote plans into. The action takes this host's from there;
        a host without one is only compared with what is stored on it.
    type: path
  plan:
    description: The plan that the intent has for this host. The action reads it from O(build).
    type: str
  program:
    description: Digest of the code that should be stored on the host. The action knows that of this release.
    type: str
  objects:
    description: Digest of the BPF programs that should judge there, where the plan has a policy. The action knows it.
    type: str
  probes:
    description: Whom to ask, as M(weft.overlay.topology) says.
    type: list
    elements: dict
    suboptions:
      way:
        description: By which way, for the reader.
        type: str
        required: true
      to:
        description: Who is to answer.
        type: str
        required: true
      address:
        description: An IP address.
        type: str
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
- name: Ask the host how it stands
  weft.overlay.status:
    build: "{{ weft_compiled.build }}"
  register: weft_status

- name: Compare it with its stored plan alone
  weft.overlay.status:
  register: weft_status

- name: Ask whether a host is reached
  weft.overlay.status:
    probes: [{way: underlay, to: hub1, address: 192.0.2.1}]
"""

RETURN = r"""
status:
  description: What C(weft status --json) prints, version 1, documented in docs/status.md.
  returned: without O(probes)
  type: dict
  sample: {version: 1, host: hub1, state: drift, differences: [{kind: link, name: vxkr2, state: missing, detail: ""}]}
intent:
  description:
    - How the host differs from O(plan) - C(state), C(differences), C(in_the_way) and C(notes), as in RV(status).
  returned: with O(plan)
  type: dict
answers:
  description:
    - Each of O(probes), whether it was answered, after how many milliseconds, and the path MTU.
  returned: with O(probes)
  type: list
  elements: dict
  sample: [{way: underlay, to: hub1, address: 192.0.2.1, answered: true, milliseconds: 0.42, mtu: 1500, words: ""}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.module import answered, asked


def main() -> None:
    probes = {"way": {"type": "str", "required": True}, "to": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "build": {"type": "path"},
            "plan": {"type": "str"},
            "program": {"type": "str"},
            "objects": {"type": "str"},
            "probes": {
                "type": "list",
                "elements": "dict",
                "options": {**probes, "address": {"type": "str", "required": True}},
            },
        },
        mutually_exclusive=[("probes", "plan"), ("probes", "build")],
        supports_check_mode=True,
    )
    given = module.params
    if given["probes"] is not None:
        run(module, lambda: answered(given["probes"]))
    run(module, lambda: asked(given["plan"], given["program"], given["objects"]))


if __name__ == "__main__":
    main()
