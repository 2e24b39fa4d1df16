# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: pack
short_description: Seal what a server keeps of its clients and keys, or bring it back
version_added: 0.2.0
description:
  - Runs on a server of WireGuard interfaces. Private keys leave it only sealed to the certificate of the host that is
    to have them; the controller carries texts that it cannot read.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  state:
    description:
      - V(packed) returns what of the clients' files and keys a store lacks.
      - V(restored) brings back what O(sealed) has and this server has not.
      - V(exported) returns configurations of clients, sealed to O(certificate).
    type: str
    choices: [packed, restored, exported]
    default: packed
  known:
    description: What the store has of this server, as M(weft.overlay.store) returned it.
    type: dict
    default: {}
  certificate:
    description: PEM text of the certificate to seal to. Without one, only RV(news) is told.
    type: str
    default: ""
  identity:
    description: Whether the server's own keys are packed too.
    type: bool
    default: false
  sealed:
    description: What M(weft.overlay.store) released for this server. Needed for V(restored).
    type: str
  expected:
    description: Public keys of this server's links by the link's name, as the ledger has them. Other keys are refused.
    type: dict
    default: {}
  clients:
    description: Whose configurations are exported; all of this server if empty.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Nothing is brought back; C(changed) tells whether something would be.
  diff_mode:
    support: none
    description: There is nothing about a key that could be shown.
"""

EXAMPLES = r"""
- name: Seal what the store does not have yet
  weft.overlay.pack:
    known: "{{ weft_store_seen.known[inventory_hostname] }}"
    certificate: "{{ weft_store_seen.certificate }}"
    identity: true
  register: weft_packed
"""

RETURN = r"""
news:
  description: Whether the store lacks something, or has something that is gone here.
  returned: when packed
  type: bool
clients:
  description: A digest for each client's files, empty where they are damaged; names of those that were brought back.
  returned: success
  type: raw
sealed:
  description: Files of the clients that the store lacks.
  returned: when packed
  type: str
identity:
  description: A digest of the server's keys.
  returned: when packed
  type: str
sealed_identity:
  description: The server's keys, where the store lacks them.
  returned: when packed
  type: str
links:
  description: Links whose keys were brought back.
  returned: when restored
  type: list
  elements: str
exported:
  description: Sealed configurations by client.
  returned: when exported
  type: dict
notes:
  description: What was damaged, or was not brought back, and why.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.pack import export, pack, restore
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["packed", "restored", "exported"], "default": "packed"},
            "known": {"type": "dict", "default": {}},
            "certificate": {"type": "str", "default": ""},
            "identity": {"type": "bool", "default": False},
            "sealed": {"type": "str"},
            "expected": {"type": "dict", "default": {}},
            "clients": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "restored", ["sealed"]), ("state", "exported", ["certificate"])],
        supports_check_mode=True,
    )
    given = module.params

    def call() -> dict[str, Any]:
        if given["state"] == "restored":
            return restore(given["sealed"], given["expected"], module.check_mode)
        if given["state"] == "exported":
            return {"changed": False, "exported": export(given["clients"], given["certificate"]), "notes": []}
        return {"changed": False, **pack(given["known"], given["certificate"], given["identity"])}

    run(module, call)


if __name__ == "__main__":
    main()
