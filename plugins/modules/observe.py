# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: observe
short_description: Look at a host's overlay without changing anything
version_added: 0.1.0
description:
  - Reports what M(weft.overlay.compile) needs to know of a host - the tunnels that weft owns there, addresses and
    routes that are not weft's, Docker's networks, and what the host can do.
  - An action, which has M(weft.overlay.converge) look.
author:
  - the weft.overlay authors (@weft-overlay)
options: {}
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: There is nothing to compare.
"""

EXAMPLES = r"""
- name: Look at the host
  weft.overlay.observe:
  register: weft_observed
"""

RETURN = r"""
observed:
  description: What was seen, in the shape that M(weft.overlay.compile) reads.
  returned: success
  type: dict
  sample:
    capabilities: {docker: true, dummy: false, firewall: firewalld, wanting: []}
    foreign: {uplinks: [{address: 192.0.2.11/24, link: eth0, mtu: 1500}]}
    reached_at: 192.0.2.11
    tunnels: []
"""
