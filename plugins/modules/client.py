# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: client
short_description: Add, show, revoke or renew one client in the intent
version_added: 0.2.0
description:
  - Changes the file of the intent on the controller, and nothing else in it than this client; comments stay.
  - A change is checked against the whole intent first. Faults are told with their places, and then nothing is written.
  - C(playbooks/client.yml) runs C(site.yml) afterwards, which makes it so.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  intent:
    description: The intent, C(domain.yaml).
    type: path
    required: true
  build:
    description: Folder with the plans, which the addresses of a client are read from.
    type: path
    required: true
  verb:
    description: What to do. V(revoke) removes the client; V(renew) changes fields of it, or its key.
    type: str
    choices: [add, show, revoke, renew]
    required: true
  name:
    description: The client.
    type: str
    required: true
  fields:
    description: Fields of the client as the intent has them. Empty ones are left out.
    type: dict
    default: {}
  new_key:
    description: Whether the server makes another key for it.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The file is not written.
  diff_mode:
    support: full
    description: Shows the file before and after.
"""

EXAMPLES = r"""
- name: Add a phone
  weft.overlay.client:
    intent: "{{ inventory_dir }}/domain.yaml"
    build: "{{ inventory_dir }}/build"
    verb: add
    name: alice-phone
    fields: {interface: wg0, profile: full, owner: Alice}
"""

RETURN = r"""
server:
  description: The server of the client's interface.
  returned: success
  type: str
new_key:
  description: Whether the server is to make another key.
  returned: success
  type: bool
lines:
  description: What was told of the client.
  returned: success
  type: list
  elements: str
faults:
  description: All that is wrong, as place, path and message.
  returned: failure
  type: list
  elements: dict
"""
