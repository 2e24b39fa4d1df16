# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The site with a link to the rest of the world, which nobody polices, and what others have set up on the host."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.integration.bpf.hosts import Neighbour
from tests.integration.bpf.names import ADDRESSES
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import ip

# The host's own addresses there.
DOOR = ("192.0.2.1", "2001:db8::1")


class Outside:
    """`world` and the site's neighbours reach each other by way of the host."""

    def __init__(self, site: Site) -> None:
        self.site = site
        ip("link add name outside type bridge mcast_snooping 0")
        for address, length in zip(DOOR, (16, 32)):
            ip(f"address add {address}/{length} dev outside" + (" nodad" if ":" in address else ""))
        ip("link set outside up")
        self.world = Neighbour("world", "outside")
        for neighbour, own, default in (
            (self.world, DOOR, ("10.20.0.0/16", "fd00:20::/32")),
            (site.web, ADDRESSES["host"], ("0.0.0.0/0", "::/0")),
        ):
            for gateway, prefix in zip(own, default):
                neighbour.run("ip", "route", "add", prefix, "via", gateway)

    def close(self) -> None:
        self.world.close()


def nft(*rules: str) -> None:
    """In a table of its own: chains of all hooks, each as `hook: rule`."""
    chains: dict[str, list[str]] = {}
    for rule in rules:
        hook, _colon, words = rule.partition(": ")
        chains.setdefault(hook, []).append(words)
    text = "table inet theirs { }\ndelete table inet theirs\ntable inet theirs {\n"
    for hook, words in chains.items():
        kind, _space, place = hook.partition(" ")
        priority = {"prerouting": -100, "postrouting": 100}.get(place, 0) if kind == "nat" else -150
        lines = "\n".join(words)
        text += f"chain {kind}_{place} {{ type {kind} hook {place} priority {priority};\n{lines}\n}}\n"
    run = subprocess.run(["nft", "-f", "-"], input=text + "}\n", capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def setting(path: str, value: int) -> None:
    """One of /proc/sys/net."""
    Path(f"/proc/sys/net/{path}").write_text(str(value))
