# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: store
short_description: Keep intent, ledger, plans and files of clients on a NAS, with their history
version_added: 0.2.0
description:
  - The store is a folder of one host. A write is complete or has not happened; every content is checked against its
    digest whenever it is read, and the last good version of a damaged one is used.
  - In a playbook the action of the same name reads the controller's files.
  - A folder without the marker of a store is never taken for an empty one, because a mount point without its disk looks
    the same. The first run makes a store in a folder that is empty or not there.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  state:
    description:
      - V(placed) returns where the intent keeps its stores, without contacting a host.
      - V(seen) returns what the store lacks of the controller's files, and what it has of servers.
      - V(written) writes the next generation, if there is something new.
      - V(fetched) copies the intent and the ledger from the store into O(folder) on the controller.
      - V(released) returns what the store has of O(server), sealed to O(certificate).
      - V(verified) reads every content of every generation, and returns what is damaged and the history.
    type: str
    choices: [placed, seen, written, fetched, released, verified]
    required: true
  path:
    description: The folder of the store.
    type: path
  place:
    description: One of the RV(places) that V(placed) returned.
    type: dict
  intent:
    description: The intent, on the controller.
    type: path
  ledger:
    description: The ledger, on the controller.
    type: path
  build:
    description: Folder on the controller that M(weft.overlay.compile) wrote plans into.
    type: path
  first:
    description: Whether a store may be made where there is none. Not where the intent itself comes from it.
    type: bool
    default: true
  seen:
    description: What V(seen) returned.
    type: dict
  folder:
    description: Where fetched files go, on the controller.
    type: path
  server:
    description: Whose clients and keys are released.
    type: str
  certificate:
    description: PEM text of that server's certificate.
    type: str
  generation:
    description:
      - The latest generation that is released, and whose ledger tells which keys are the server's. Without it, the
        newest and O(ledger).
    type: int
  request:
    description: What the action sends to the host; its parts depend on O(state).
    type: dict
    default: {}
attributes:
  check_mode:
    support: full
    description: Nothing is written, neither on the host nor on the controller; C(changed) tells whether it would be.
  diff_mode:
    support: none
    description: The history is on the host, and the controller's files are compared with C(git diff).
"""

EXAMPLES = r"""
- name: Say what is damaged in the store, and who stored what
  weft.overlay.store:
    state: verified
    path: /srv/weft
  delegate_to: nas1
"""

RETURN = r"""
places:
  description: Where stores are, as server, path, keep, identity and the servers whose clients and keys they have.
  returned: when placed
  type: list
  elements: dict
certificate:
  description: PEM text of the certificate of the store's host.
  returned: when seen
  type: str
known:
  description: What the store has of each server.
  returned: when seen
  type: dict
wanted:
  description: Files of the controller that the store lacks.
  returned: when seen
  type: list
  elements: str
stale:
  description: Whether something else than servers' files has to be written.
  returned: when seen
  type: bool
generation:
  description: Number of the newest generation.
  returned: when seen, written or fetched
  type: int
folder:
  description: Where the fetched files are.
  returned: when fetched
  type: str
sealed:
  description: Clients and keys of the server.
  returned: when released
  type: str
expected:
  description: Public keys that the ledger has of the server.
  returned: when released
  type: dict
identity:
  description: Whether the server's own keys are in RV(sealed).
  returned: when released
  type: bool
history:
  description: Number, time, author, origin and digest of the intent of each generation, the newest first.
  returned: when verified
  type: list
  elements: dict
notes:
  description: What is damaged, and what was used instead.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run
from ansible_collections.weft.overlay.plugins.module_utils.edge.store import answer

_ON_HOSTS = ["seen", "written", "fetched", "released", "verified"]
_TEXTS = ("server", "certificate")
_PATHS = ("intent", "ledger", "build", "folder")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["placed", *_ON_HOSTS], "required": True},
            "path": {"type": "path"},
            "request": {"type": "dict", "default": {}},
            # For the action alone, which makes a request of them.
            **{name: {"type": "path"} for name in _PATHS},
            **{name: {"type": "str"} for name in _TEXTS},
            **{name: {"type": "dict"} for name in ("place", "seen")},
            "first": {"type": "bool", "default": True},
            "generation": {"type": "int"},
        },
        required_if=[("state", state, ["path"]) for state in _ON_HOSTS],
        supports_check_mode=True,
    )
    given = module.params

    def call() -> dict[str, Any]:
        return answer(given["state"], given["path"], given["request"], module.check_mode)

    run(module, call)


if __name__ == "__main__":
    main()
