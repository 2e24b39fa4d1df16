# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: topology
short_description: Say what plans connect, and what each host is to ask the others
version_added: 0.1.0
description:
  - Reads the plans that M(weft.overlay.compile) wrote, and what hosts said of themselves to M(weft.overlay.status).
  - Runs on the controller and contacts nobody.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  build:
    description: Folder that the plans were compiled into.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Only reads.
"""

EXAMPLES = r"""
- name: Say who is to ask whom
  weft.overlay.topology:
    build: "{{ weft_compiled.build }}"
  register: weft_topology
  run_once: true
"""

RETURN = r"""
probes:
  description: By host, what M(weft.overlay.status) takes as its option of that name.
  returned: success
  type: dict
  sample: {hub1: [{way: vxlan vxkr1, to: runner1, address: 10.1.0.1}]}
"""
