# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: report
short_description: Print the summary of a run
version_added: 0.1.0
description:
  - Prints how many objects were added, changed and removed on each host, what failed, which hosts were not reached or
    not in the run, what is left to do, and the command for it.
  - Reads what M(weft.overlay.observe), M(weft.overlay.compile) and M(weft.overlay.converge) registered as
    C(weft_observed), C(weft_compiled) and C(weft_converged), or as C(weft_left) where weft was to leave a host. Put it
    into the C(always) section of a block, so that it is printed of a run that failed, too.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  hosts:
    description: Hosts that have no plan, besides those that have one.
    type: list
    elements: str
  leaving:
    description: Runners that the run is to take out.
    type: list
    elements: str
    default: []
  lines:
    description: Lines to print instead.
    type: list
    elements: str
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
  run_once: true
"""

RETURN = r"""
summary:
  description: The lines printed.
  returned: success
  type: list
  elements: str
"""
