# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: converge
short_description: Make a host's kernel match its plan, in one transaction
version_added: 0.1.0
description:
  - Observes links, addresses, routes, switches and the firewall, applies what differs from the plan, and verifies by
    looking again. If a step fails, everything is changed back.
  - Only what carries weft's marks is ever changed or removed. Foreign state that stands in the way is named in the
    error, before anything is changed.
  - In a playbook the action of the same name takes O(build) and hands each host its own plan.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  plan:
    description:
      - The host's plan as M(weft.overlay.compile) wrote it. The action reads it from O(build).
    type: str
  build:
    description:
      - Folder on the controller that M(weft.overlay.compile) wrote plans into. A host without a plan there is skipped.
    type: path
  objects:
    description:
      - Compiled BPF programs by the names of their files, each compressed (zlib) and then Base64, for a plan with a
        policy. The action takes them from the collection.
    type: dict
    default: {}
  persist:
    description:
      - Whether to store the plan and the code on the host and to apply them at boot, before Docker starts. What
        host-wide switches were before is remembered only with V(true), and only then the host can go back by itself, so
        that O(seconds) means something.
    type: bool
    default: true
  state:
    description:
      - V(absent) takes everything of weft's off the host, and needs no plan. RV(notes) says what stays.
    type: str
    choices: [planned, absent]
    default: planned
  seconds:
    description:
      - A change of the host lasts only if it is confirmed over a new connection. The action does that by itself; if it
        does not come through within so many seconds after the change, the host goes back to the last confirmed plan.
      - With V(0) nobody has to confirm.
      - Needs systemd on the host.
    type: int
    default: 60
  author:
    description:
      - Who changes the host, for its journal and for those who meet its lock. The action says it.
    type: dict
    default: {}
  lineage:
    description: Which intent the plan is of, as M(weft.overlay.compile) returns it. The action adds it to O(author).
    type: dict
    default: {}
  force:
    description: Whether the plan is carried out on a host that has a later intent, or another one.
    type: bool
    default: false
  confirm:
    description:
      - Number of a change of this host that lasts from now on. The action does this after each change.
    type: int
  leaving:
    description:
      - With O(state=absent), what becomes of things that are not configuration.
    type: dict
    suboptions:
      keep_keys:
        description: Whether private keys and files of clients stay on the host.
        type: bool
        default: false
      forget_store:
        description: Whether a store of intent, ledger and files of clients is removed too.
        type: bool
        default: false
      disconnect:
        description: Whether running containers are cut off from weft's Docker networks. Otherwise they are in the way.
        type: bool
        default: false
  observe:
    description:
      - Only look, as M(weft.overlay.observe) does, and return what that returns. Its action calls this, so that Ansible
        builds one program for both.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: The same transaction runs on a copy of the host in memory.
  diff_mode:
    support: full
    description: Shows every object that changes, before and after.
"""

EXAMPLES = r"""
- name: Make the host match its plan
  weft.overlay.converge:
    build: "{{ weft_compiled.build }}"
"""

RETURN = r"""
changes:
  description: What was done, or in check mode would be, in order.
  returned: success
  type: list
  elements: str
  sample: ["+ link vxkr3", "~ link vxkr2 (remote 192.0.2.12 → 192.0.2.22)", "- route 10.1.0.0/16"]
counts:
  description: How many objects were added, changed and removed, by kind.
  returned: success
  type: dict
  sample: {link: {add: 1}}
notes:
  description: How the plan was met on this host, where that is worth knowing.
  returned: success
  type: list
  elements: str
  sample: ["kohaku-host is an empty bridge: this kernel has no dummy device"]
kept:
  description: Data that stay on the host, each path with what it is, V(keys) or V(store).
  returned: with O(state=absent)
  type: dict
  sample: {/srv/weft: store}
pending:
  description: Number of the change that is to be confirmed; 0 where there is none.
  returned: success
  type: int
confirmed:
  description: Number of the change that was confirmed.
  returned: with O(confirm)
  type: int
observed:
  description: What was seen, as M(weft.overlay.observe) tells it.
  returned: with O(observe)
  type: dict
faults:
  description: What stands in the way, as place, path and message.
  returned: when foreign state stands in the way
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.weft.overlay.plugins.module_utils.edge.result import run

_LEAVING = {name: {"type": "bool", "default": False} for name in ("keep_keys", "forget_store", "disconnect")}


def _observe() -> dict[str, Any]:
    from ansible_collections.weft.overlay.plugins.module_utils.edge.facts import facts_of, to_data
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel

    return {"changed": False, "observed": to_data(facts_of(HostKernel().observe()))}


def _converge(params: dict[str, Any], check: bool) -> dict[str, Any]:
    # Only here: whoever only looks does not wait for all that this imports.
    from ansible_collections.weft.overlay.plugins.module_utils.edge import convergence

    author = convergence.author_of(params["author"])
    if params["state"] == "absent":
        return convergence.depart(author, params["leaving"], check)
    if params["confirm"]:
        return convergence.confirm(params["confirm"], author)
    asked = (params[name] for name in ("persist", "objects", "seconds", "force"))
    return convergence.match(convergence.Asked(params["plan"] or "", author, *asked), check)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "plan": {"type": "str"},
            "build": {"type": "path"},
            "objects": {"type": "dict", "default": {}},
            "persist": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": ["planned", "absent"], "default": "planned"},
            "seconds": {"type": "int", "default": 60},
            "lineage": {"type": "dict", "default": {}},
            "author": {"type": "dict", "default": {}},
            "force": {"type": "bool", "default": False},
            "confirm": {"type": "int"},
            "leaving": {"type": "dict", "apply_defaults": True, "options": _LEAVING},
            "observe": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, _observe if module.params["observe"] else lambda: _converge(module.params, module.check_mode))


if __name__ == "__main__":
    main()
