# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: keys
short_description: Make the WireGuard keys that a host is to keep
version_added: 0.2.0
description:
  - Private keys are made on the host that uses them, in files that only root can read, and never leave it. Only public
    keys, fingerprints and sealed texts are returned.
  - A key that is there already is kept, so a second run changes nothing.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  links:
    description: WireGuard links that need a private key.
    type: list
    elements: str
    default: []
  following:
    description: Links that need a second private key, to change to later with O(promote).
    type: list
    elements: str
    default: []
  promote:
    description: Links whose second key takes the place of the first. Without a second key nothing happens.
    type: list
    elements: str
    default: []
  clients:
    description: Clients without a host of their own, whose key and configuration this host keeps.
    type: list
    elements: str
    default: []
  anew:
    description: Clients that get another key. The one before works until the new one is used for the first time.
    type: list
    elements: str
    default: []
  seal:
    description: Pairs of which this host keeps the preshared key, to be sealed for the other host.
    type: list
    elements: dict
    default: []
    suboptions:
      link:
        description: The link on this host.
        type: str
        required: true
      public_key:
        description: The peer's public key.
        type: str
        required: true
      certificate:
        description: The certificate of the other host, as it returned it in C(keys).
        type: str
        required: true
  open:
    description: Preshared keys that another host has sealed for this one.
    type: list
    elements: dict
    default: []
    suboptions:
      link:
        description: The link on this host.
        type: str
        required: true
      public_key:
        description: The peer's public key.
        type: str
        required: true
      sealed:
        description: The sealed text.
        type: str
        required: true
  certificate:
    description: Whether this host needs a certificate that others can seal secrets to.
    type: bool
    default: false
  audit:
    description: Whether this host needs a key and a certificate to send or collect denials with.
    type: bool
    default: false
  wanted:
    description:
      - What M(weft.overlay.compile) says in C(keys_wanted) that this host lacks. The action makes the other options of
        it, and adds to RV(sealed) whom each text is for.
    type: dict
  delivered:
    description:
      - Whether to open what other hosts of this play have sealed for this one, in a task that registered C(weft_keys).
    type: bool
    default: false
  rotate:
    description:
      - V(prepare) makes a following key for each link that the host has in its plan, V(take) promotes them.
      - For the action, which needs O(build).
    type: str
    choices: [prepare, take]
  build:
    description: Folder on the controller that M(weft.overlay.compile) wrote plans into.
    type: path
  cut_clients:
    description: Whether to go on where clients with files of their own will need new ones.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Nothing is made; C(changed) tells whether something would be.
  diff_mode:
    support: none
    description: There is nothing about a key that could be shown.
"""

EXAMPLES = r"""
- name: Make the keys that are missing
  weft.overlay.keys:
    wanted: "{{ weft_compiled.keys_wanted[inventory_hostname] }}"
  register: weft_keys
  when: inventory_hostname in weft_compiled.keys_wanted

- name: Take what others sealed for this host
  weft.overlay.keys:
    delivered: true
  register: weft_opened
"""

RETURN = r"""
keys:
  description: The public side of all keys that the host keeps, in the shape that M(weft.overlay.compile) reads.
  returned: success
  type: dict
sealed:
  description: For each entry of O(seal) the link, the public key and the sealed text.
  returned: success
  type: list
  elements: dict
made:
  description: What was made, in words.
  returned: success
  type: list
  elements: str
  sample: ["key of wg0"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.keys import Wish, carry_out
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run

_NAMES = {"type": "list", "elements": "str", "default": []}
_PAIR = {"link": {"type": "str", "required": True}, "public_key": {"type": "str", "required": True}}


def _pairs(field: str) -> dict[str, object]:
    # Certificates and sealed texts are public; "key" in a name makes Ansible ask.
    options = {**_PAIR, field: {"type": "str", "required": True, "no_log": False}}
    options["public_key"] = {**_PAIR["public_key"], "no_log": False}
    return {"type": "list", "elements": "dict", "default": [], "options": options}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **dict.fromkeys(("links", "following", "promote", "clients", "anew"), _NAMES),
            "seal": _pairs("certificate"),
            "open": _pairs("sealed"),
            "certificate": {"type": "bool", "default": False},
            "audit": {"type": "bool", "default": False},
            # For the action alone, which makes the others of them.
            "wanted": {"type": "dict"},
            "delivered": {"type": "bool", "default": False},
            "rotate": {"type": "str", "choices": ["prepare", "take"]},
            "build": {"type": "path"},
            "cut_clients": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wish = Wish(**{name: module.params[name] for name in Wish._fields})
    run(module, lambda: carry_out(wish, module.check_mode))


if __name__ == "__main__":
    main()
