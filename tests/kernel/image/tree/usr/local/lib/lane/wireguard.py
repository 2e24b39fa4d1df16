# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs inside the virtual machine, beside the stored program: what it sees of WireGuard here, as JSON."""

from __future__ import annotations

import json
import sys

sys.path.insert(0, "/usr/local/lib/weft/current")

from weft_overlay.kernel import ports  # found on the path above
from weft_overlay.kernel.host import HostKernel

seen = HostKernel(ask_docker=False).observe()
found = {
    "wireguard": seen.capabilities.wireguard,
    "tools": seen.capabilities.tools,
    "links": {name: link._asdict() for name, link in seen.state["link"].items()},
    "ports": [port for port in ports.observe() if port > 50000],
    "foreign": [port for port in seen.foreign.ports if port > 50000],
    "preshared": {peer.link: peer.preshared for peer in seen.state["wireguard peer"].values()},
}
print(json.dumps(found))
