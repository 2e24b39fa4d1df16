# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: status_report
short_description: Put together what hosts said of themselves
version_added: 0.1.0
description:
  - Reads what M(weft.overlay.status) registered as C(weft_status) and C(weft_probed), the plans and the ledger. Prints
    a table, and writes C(status.json) and C(status.html), a page with everything in it.
  - Runs on the controller and contacts nobody.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  build:
    description: Folder that the plans were compiled into.
    type: path
    required: true
  ledger:
    description: The ledger.
    type: path
    required: true
  path:
    description: Folder for the two files. It is made where there is none.
    type: path
    required: true
  hosts:
    description: Hosts that were in the run. Others are told as not asked.
    type: list
    elements: str
    required: true
  fail:
    description: Whether to fail where anything is not as intended, for runs that somebody else looks at.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The two files are written all the same; they say what was seen.
  diff_mode:
    support: none
    description: There is nothing to compare.
"""

EXAMPLES = r"""
- name: Say how the domain stands
  weft.overlay.status_report:
    build: "{{ weft_compiled.build }}"
    ledger: "{{ weft_ledger_file }}"
    path: "{{ inventory_dir }}/build"
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
healthy:
  description: Whether all that was asked is as intended.
  returned: always
  type: bool
lines:
  description: The lines printed.
  returned: always
  type: list
  elements: str
files:
  description: What was written.
  returned: always
  type: list
  elements: str
"""
