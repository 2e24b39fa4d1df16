# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: explain
short_description: Say who may send what to whom, and why
version_added: 0.1.0
description:
  - Answers a question about the policies of the intent from what M(weft.overlay.compile) made of them, C(policy.json)
    in O(build); hosts enforce the same.
  - Runs on the controller and contacts nobody.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  build:
    description: Folder that the plans were compiled into.
    type: path
    required: true
  intent:
    description:
      - The intent, C(domain.yaml), that they were compiled from. Where no rule allows a packet, only it can say which
        of two peers lacks one, and which policies there are for it.
      - If it has changed since it was compiled, that is an error.
    type: path
  from:
    description: Who sends, a peer of the intent or an IP address. Not with O(matrix).
    type: str
    aliases: [source]
  to:
    description: Who receives, a peer of the intent or an IP address. Not with O(matrix).
    type: str
    aliases: [destination]
  protocol:
    description: C(TCP), C(UDP), C(SCTP), C(ICMP) or C(ICMPv6). Not with O(matrix).
    type: str
  port:
    description: The destination port, of C(TCP), C(UDP) and C(SCTP).
    type: int
  type:
    description: The type of message, of C(ICMP) and C(ICMPv6).
    type: int
  matrix:
    description: Whether to answer for each pair of peers, with a table for each of O(ports).
    type: bool
    default: false
  ports:
    description: Only with O(matrix), what to ask about - C(TCP/443), or C(ICMP/8) for a type of message. At most 16.
    type: list
    elements: str
  peers:
    description: Only with O(matrix), the peers between which to ask, at most 40. Without it, all of the intent.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Only reads.
"""

EXAMPLES = r"""
- name: Ask who may reach the database
  weft.overlay.explain:
    build: "{{ inventory_dir }}/build"
    intent: "{{ inventory_dir }}/domain.yaml"
    from: api
    to: db
    protocol: TCP
    port: 5432
  register: asked
  run_once: true

- name: Ask about all peers
  weft.overlay.explain:
    build: "{{ inventory_dir }}/build"
    matrix: true
    ports: [TCP/22, TCP/443, ICMP/8]
  register: tables
  run_once: true
"""

RETURN = r"""
verdict:
  description:
    - What comes of such a packet - V(allow), V(deny), or V(observed), which passes and is recorded.
    - V(mixed) where that is not the same for all addresses of a peer; V(none) where the two have no addresses of one
      family.
  returned: without O(matrix)
  type: str
  sample: deny
answers:
  description: One answer for each two parts of both ends that the policies tell apart.
  returned: without O(matrix)
  type: list
  elements: dict
  contains:
    verdict:
      description: As RV(verdict), of these parts.
      type: str
    rule:
      description: The rule that decides, by its place in the intent; null where none does.
      type: str
      sample: policies.db-in.ingress[0]
    reason:
      description: Why it is denied, as counters and records name it; null where it is not.
      type: str
      sample: NO_RULE
    says:
      description: The same in a sentence.
      type: str
    from:
      description: Who sends - number and name of the identity, its network, and the prefix that it was found by.
      type: dict
      sample: {identity: 256, name: api, network: prod, prefix: 10.20.0.2/32}
    to:
      description: Who receives, likewise.
      type: dict
    sides:
      description:
        - What the policies of each peer permit - C(direction), the C(peer), the C(policies) that select it and have
          rules of that direction, and the first C(rule) that allows the packet, null where none does.
        - Empty without O(intent), and between networks that are not peered.
      type: list
      elements: dict
lines:
  description: The answer for a reader; with O(matrix), tables in Markdown.
  returned: success
  type: list
  elements: str
  sample: ["api (prod) → db (prod), TCP 5432: allowed by policies.db-in.ingress[0]"]
faults:
  description: All that is wrong with the question, or with the intent, as place, path and message.
  returned: failure
  type: list
  elements: dict
"""
