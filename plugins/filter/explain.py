# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: explain
short_description: Say who may send what to whom, and why
version_added: 0.1.0
description:
  - Answers a question about policies from the maps that M(weft.overlay.compile) made of them, as
    M(weft.overlay.explain) does.
author:
  - the weft.overlay authors (@weft-overlay)
positional: source, destination, protocol, port
options:
  _input:
    description: The maps, C(policy.json) of the build folder, as text or as the mapping that it is.
    type: raw
    required: true
  source:
    description: Who sends, a peer of the intent or an IP address.
    type: str
    required: true
  destination:
    description: Who receives, a peer of the intent or an IP address.
    type: str
    required: true
  protocol:
    description: C(TCP), C(UDP), C(SCTP), C(ICMP) or C(ICMPv6).
    type: str
    required: true
  port:
    description: The destination port, of C(TCP), C(UDP) and C(SCTP).
    type: int
  type:
    description: The type of message, of C(ICMP) and C(ICMPv6).
    type: int
  intent:
    description: The text of the intent that the maps were compiled from. It says which side lacks a permission.
    type: str
"""

EXAMPLES = r"""
- name: Refuse to go on where the database is open to guests
  ansible.builtin.assert:
    that: (maps | weft.overlay.explain('guest', 'db', 'TCP', 5432)).verdict == 'deny'
  vars:
    maps: "{{ lookup('ansible.builtin.file', inventory_dir ~ '/build/policy.json') }}"

- name: Say why
  ansible.builtin.debug:
    msg: "{{ (maps | weft.overlay.explain('guest', 'db', 'ICMP', type=8, intent=intent)).lines }}"
  vars:
    maps: "{{ lookup('ansible.builtin.file', inventory_dir ~ '/build/policy.json') }}"
    intent: "{{ lookup('ansible.builtin.file', inventory_dir ~ '/domain.yaml') }}"
"""

RETURN = r"""
_value:
  description: C(verdict), C(answers) and C(lines), as M(weft.overlay.explain) returns them.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.weft.overlay.plugins.module_utils.edge.explain import explained, known
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError


def explain(
    maps: Mapping[str, Any] | str, source: str, destination: str, protocol: str, port: int | None = None, **more: Any
) -> dict[str, Any]:
    """more: type, intent. Raises AnsibleFilterError for what cannot be answered."""
    if set(more) - {"type", "intent"}:
        raise AnsibleFilterError(f"explain takes type and intent besides; got {', '.join(sorted(more))}")
    said = {"from": source, "to": destination, "protocol": protocol, "port": port, "type": more.get("type")}
    try:
        return explained(known(maps, more.get("intent"), "the intent"), said)
    except WeftError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"explain": explain}
