# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: benchmark_schedule
short_description: Decide what a benchmark measures, and in which order
version_added: 0.1.0
description:
  - Reads on the controller the plans that M(weft.overlay.compile) wrote, and finds the interfaces of servers with role
    V(nas) that the client is a peer of. No host is contacted.
  - An interface of any other server is refused by name. What cannot be measured is told.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  build:
    description: Folder that M(weft.overlay.compile) wrote plans into.
    type: path
    required: true
  folder:
    description: Folder in which each run gets a folder of its own.
    type: path
    required: true
  client:
    description: Inventory name of the managed peer that measures.
    type: str
    required: true
  interfaces:
    description: Names of those to measure; without any, all there are.
    type: list
    elements: str
    default: []
  baseline:
    description: The interface that the others are compared with; without it, the first.
    type: str
  rounds:
    description: How often each interface is measured.
    type: int
    default: 3
  seconds:
    description: How long each load lasts.
    type: int
    default: 10
  pings:
    description: How many packets a look at the latency without load takes.
    type: int
    default: 100
  interval:
    description: Seconds between two of them.
    type: float
    default: 0.02
  port:
    description: TCP and UDP port of iperf3 on the servers.
    type: int
    default: 5201
  seed:
    description: The same seed gives the same order of turns.
    type: int
    default: 1
  compare:
    description: Folder of an earlier run that this one will be compared with; whether it can be read is tried now.
    type: path
attributes:
  check_mode:
    support: full
    description: Only reads files of the controller.
  diff_mode:
    support: none
    description: Nothing is changed.
"""

EXAMPLES = r"""
- name: Decide what is measured
  weft.overlay.benchmark_schedule:
    build: "{{ inventory_dir }}/build"
    folder: "{{ inventory_dir }}/benchmark"
    client: bench1
  register: weft_benchmark_schedule
"""

RETURN = r"""
turns:
  description: What is measured one after the other, as round, interface and target.
  returned: success
  type: list
  elements: dict
left_out:
  description: Interfaces that would be measured and cannot be, each with the reason.
  returned: success
  type: list
  elements: list
folder:
  description: Folder for this run.
  returned: success
  type: str
faults:
  description: What is wrong with what was asked.
  returned: when something is
  type: list
  elements: dict
"""
