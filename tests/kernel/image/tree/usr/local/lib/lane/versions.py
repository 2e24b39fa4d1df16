# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs inside the virtual machine, beside the stored program: what this machine is, as JSON."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

sys.path.insert(0, "/usr/local/lib/weft/current")

from weft_overlay.kernel.firewall.backend import Firewalls  # found on the path above
from weft_overlay.kernel.netlink.adapter import Netlink


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


with Netlink() as netlink:
    dummy, wireguard = netlink.supports_dummy(), netlink.supports_wireguard()
found = {
    "dummy": dummy,
    "wireguard": wireguard,
    "firewall": Firewalls().observe().backend,
    "kernel": platform.release(),
    "python": platform.python_version(),
    "systemd": said("systemctl", "--version"),
    "iproute2": said("ip", "-V"),
    "nft": said("nft", "-v"),
    "iptables": said("iptables", "-V"),
    "firewalld": said("firewall-cmd", "--version") if Firewalls().observe().backend == "firewalld" else None,
}
print(json.dumps(found))
