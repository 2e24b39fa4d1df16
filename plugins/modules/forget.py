# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: forget
short_description: Have the ledger forget keys that nobody has any more
version_added: 0.1.0
description:
  - After M(weft.overlay.converge) left hosts with O(weft.overlay.converge#module:state=absent), in the same play, with
    what each said registered as C(weft_left).
  - Public keys of servers whose private keys are gone are forgotten if all hosts were reached and none keeps a store.
    So M(weft.overlay.compile) does not wait for these keys to come back. Where a store may have them, it says how.
  - Numbers and addresses stay handed out.
  - Runs on the controller and contacts nobody.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  ledger:
    description: The ledger's file; nothing is done where there is none.
    type: path
    required: true
  groups:
    description: Groups of the inventory whose hosts may have anything of weft's.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
    description: Says whether the ledger would forget anything.
  diff_mode:
    support: none
    description: Keys are not shown.
"""

EXAMPLES = r"""
- name: Forget the keys that nobody has any more
  weft.overlay.forget:
    ledger: "{{ inventory_dir }}/ledger.json"
    groups: [hubs, runners, routers, nas, peers]
  run_once: true
"""

RETURN = r"""
notes:
  description: Of whose keys are gone, and what is to be done about it.
  returned: success
  type: list
  elements: str
"""
