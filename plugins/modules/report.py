# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: report
short_description: Print the summary of a run
version_added: 0.1.0
description:
  - Prints how many objects were added, changed and removed on each host, what failed, and which hosts were not reached,
    from what M(weft.overlay.converge) registered as C(weft_converged).
author:
  - the weft.overlay authors (@weft-overlay)
options:
  hosts:
    description: Every host that has a plan.
    type: list
    elements: str
  lines:
    description: Lines to print instead.
    type: list
    elements: str
  leaving:
    description: Whether weft was to leave these hosts.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Only prints.
  diff_mode:
    support: none
    description: Only prints.
"""

EXAMPLES = r"""
- name: Say what changed where
  weft.overlay.report:
    hosts: "{{ weft_compiled.hosts }}"
  run_once: true
"""

RETURN = r"""
summary:
  description: The lines printed.
  returned: success
  type: list
  elements: str
"""
