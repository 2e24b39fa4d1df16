# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: benchmark_report
short_description: Write down what a benchmark measured, and compare two runs
version_added: 0.1.0
description:
  - Writes on the controller everything that was measured (C(result.json)), a table (C(table.txt), also printed), a page
    with plots in it (C(report.html)) and each plot as PNG. Needs matplotlib there.
  - With O(compare), also C(compare.txt) - what differed around the two runs, and what they measured.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  folder:
    description: Folder of the run; without O(schedule) and the rest, of one that was written before.
    type: path
    required: true
  compare:
    description: Folder of an earlier run to compare with.
    type: path
  schedule:
    description: What M(weft.overlay.benchmark_schedule) returned.
    type: dict
  checked:
    description: What M(weft.overlay.benchmark_check) returned.
    type: dict
  looked:
    description: What M(weft.overlay.benchmark_look) returned on each host.
    type: list
    elements: dict
  measured:
    description: What M(weft.overlay.benchmark_measure) returned in each turn.
    type: list
    elements: dict
  served:
    description: What M(weft.overlay.benchmark_serve) returned on each server.
    type: list
    elements: dict
attributes:
  check_mode:
    support: none
    description: Without files there is no report.
  diff_mode:
    support: none
    description: Every run has a folder of its own.
"""

EXAMPLES = r"""
- name: Compare two runs that were made before
  weft.overlay.benchmark_report:
    folder: benchmark/20261121T124150Z
    compare: benchmark/20261114T090000Z
"""

RETURN = r"""
folder:
  description: Where everything was written.
  returned: success
  type: str
"""
