# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Somebody's host, with what weft plans for it and all that can be seen of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import FORWARDING, FORWARDING6, Sysctl
from tests.integration.policy.town import Town, ip
from tests.unit.diff.worlds import with_networks

# Where anything of ours may be; empty folders of a test's own.
PLACES = ("/var/lib", "/usr/local/lib", "/usr/local/sbin", "/etc/systemd/system", "/run")
STORE = Path("/srv")


def run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@pytest.fixture
def home(town: Town) -> Town:
    """A host of somebody's, who has set and filtered this and that."""
    for place in (*PLACES, str(STORE)):
        os.makedirs(place, exist_ok=True)
        run("mount", "-t", "tmpfs", "none", place)
    for command in (
        "link add eth0 type veth peer name far",
        "addr add 198.18.0.10/24 dev eth0",
        "link set eth0 up",
        "link set far up",
        "link add vxlan9 type vxlan id 109 dstport 4789 local 198.18.0.10 remote 198.18.0.99",
        "link set vxlan9 up",
        "route add 192.0.2.0/24 via 198.18.0.1",
        "route add 192.0.2.0/24 dev eth0 table 119077",
        "rule add fwmark 7 lookup 119077 priority 300",
    ):
        ip(command)
    for switch in ("ipv4/conf/far/forwarding", "ipv6/conf/far/forwarding"):
        Path(f"/proc/sys/net/{switch}").write_text("1")
    Path("/proc/sys/net/ipv4/conf/all/accept_redirects").write_text("0")
    Path("/etc/systemd/system/theirs.service").write_text("[Service]\nExecStart=/bin/true\n")
    return town


def filtered_by(backend: str) -> None:
    """Rules of somebody else's, so that this is what the host filters with."""
    run(f"{backend}-restore", text="*filter\n:FORWARD DROP [0:0]\n:THEIRS - [0:0]\n-A FORWARD -j THEIRS\nCOMMIT\n")


def everything() -> dict[str, Any]:
    found: dict[str, Any] = {
        "links": _sorted("-d", "link"),
        "addresses": _sorted("address"),
        "rules": _sorted("rule") + _sorted("-6", "rule"),
        "routes": _sorted("route", "show", "table", "all") + _sorted("-6", "route", "show", "table", "all"),
        "nft": run("nft", "-s", "list", "ruleset"),
        "disciplines": run("tc", "qdisc", "show"),
        "legacy": [line for line in run("iptables-legacy-save").splitlines() if line.startswith(("-", ":WEFT", ":TH"))],
        "mounted": os.path.ismount("/sys/fs/bpf"),
    }
    for path in Path("/proc/sys/net").glob("ipv[46]/conf/*/*"):
        if path.stat().st_mode & 0o400 and path.name != "stable_secret":
            found[str(path)] = path.read_text()
    for place in (*PLACES, str(STORE)):
        for folder, _folders, names in os.walk(place):
            found[folder] = oct(os.stat(folder).st_mode)
            found.update((f"{folder}/{name}", Path(f"{folder}/{name}").read_text()) for name in names)
    return found


def _sorted(*words: str) -> list[Any]:
    """Without what the kernel counts by itself, and the addresses that it gives links in their first second."""
    found = [item for item in json.loads(run("ip", "-j", *words)) if "fe80" not in str(item.get("dst"))]
    for item in found:
        item["addr_info"] = [each for each in item.get("addr_info", []) if each["scope"] != "link"]
        item.pop("stats", None)
    return sorted(found, key=json.dumps)


def plan(*runners: int, mtu: int = 1450) -> HostPlan:
    """A hub with tunnels to runners, tables and rules of two networks, and IPv6 forwarding."""
    overlay = parse("version: 1\noverlay: {}\n", "domain.yaml").overlay
    assert overlay is not None
    spokes = tuple(Spoke(f"runner{number}", number, f"198.18.0.{10 + number}", mtu) for number in runners)
    found: HostPlan = with_networks(hub_plan(overlay, "hub", "198.18.0.10", spokes), (1, 2))
    return found._replace(sysctls=(Sysctl(FORWARDING, "1"), Sysctl(FORWARDING6, "1")))
