# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: compile
short_description: Compile the intent into a plan for every host
version_added: 0.1.0
description:
  - Reads the intent, the inventory's groups C(hubs), C(runners), C(routers), C(nas) and C(peers), the ledger, and what
    M(weft.overlay.observe) registered as C(weft_observed) on each host; writes one canonical JSON file for each host
    below O(build).
  - Runs on the controller. Plans are made for every host of the inventory, whatever C(--limit) says.
  - Every fault of the intent, the inventory and the hosts is reported at once, and then nothing is written.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  intent:
    description: The intent, C(domain.yaml).
    type: path
    required: true
  ledger:
    description: The ledger of numbers handed out; made when it is not there.
    type: path
    required: true
  build:
    description: Folder for the plans. In check mode a temporary one is used instead.
    type: path
    required: true
  offline:
    description: Whether nobody was asked on purpose. New runner ids are then handed out from the ledger alone.
    type: bool
    default: false
  allow_empty:
    description: Whether an inventory without runners may remove the tunnels of all runners it once had, and an intent
      without servers or without clients all that it once had of them.
    type: bool
    default: false
  keep:
    description: Whether to write the ledger. In check mode it is never written.
    type: bool
    default: true
  new_keys:
    description: Servers that lost the keys of their interfaces and are to make new ones. Of any other, that is a fault.
    type: list
    elements: str
    default: []
  resolve:
    description: Whether names of endpoints are looked up, on the controller; one without an address is a fault. With
      O(offline), they are not.
    type: bool
    default: true
  force:
    description: Whether this intent takes the place of a later one, or of another one, that hosts have. Without it,
      that is a fault.
    type: bool
    default: false
  leaving:
    description:
      - Runners that are planned for no more, as if the inventory did not have them. One that has containers in a Docker
        network of weft's, or that answers and could not be looked at, is a fault; one that did not answer is not.
    type: list
    elements: str
    default: []
  disconnect:
    description: Whether running containers keep nobody of O(leaving).
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Neither O(build) nor O(ledger) is written.
  diff_mode:
    support: none
    description: The plans are files; compare them with C(git diff).
"""

EXAMPLES = r"""
- name: Compile a plan for every host
  weft.overlay.compile:
    intent: "{{ inventory_dir }}/domain.yaml"
    ledger: "{{ inventory_dir }}/ledger.json"
    build: "{{ inventory_dir }}/build"
  register: weft_compiled
  run_once: true
"""

RETURN = r"""
build:
  description: The folder that the plans are in.
  returned: success
  type: str
hosts:
  description: Every host that has a plan.
  returned: success
  type: list
  elements: str
networks:
  description: What each host's Docker needs, as names to remove and networks to create, and whether it is silent.
  returned: success
  type: dict
changes:
  description: What the plans say anew since the ones that were there, by host.
  returned: success
  type: dict
summary:
  description: The same counted, as lines of a table.
  returned: success
  type: list
  elements: str
notes:
  description: What was assumed.
  returned: success
  type: list
  elements: str
ledger_written:
  description: Whether the ledger says something new.
  returned: success
  type: bool
leaving:
  description: Of O(leaving), those that the inventory still has, and where their address is written.
  returned: success
  type: dict
lineage:
  description: Which intent this is, C(name); C(revision), how often its plans have changed; C(plans), their digest.
  returned: success
  type: dict
keys_wanted:
  description:
    - What hosts that were asked still have to make before the plans are whole, by host - C(links) and C(clients) whose
      private key is missing, whether a C(certificate) is, and C(preshared) keys to be sealed for another host.
    - Hand it to M(weft.overlay.keys) and compile again, until it is empty.
  returned: success
  type: dict
  sample: {router: {links: [wg0], clients: [phone], certificate: false, preshared: [], audit: false}}
sealing:
  description: Whether RV(keys_wanted) has preshared keys that one host seals for another.
  returned: success
  type: bool
wanting:
  description: Commands for WireGuard, and C(libbpf) for policies, that a plan needs and its host lacks, by host.
  returned: success
  type: dict
  sample: {router: [wg, qrencode]}
faults:
  description: All that is wrong, as place, path and message.
  returned: failure
  type: list
  elements: dict
"""
