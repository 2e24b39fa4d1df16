"""The wires: a network namespace of the lab's own with one bridge for the underlay and one for the WAN.

The bridges are not in the machine's namespace, so the machine's firewall (bridge-nf-call-iptables, a FORWARD policy
set by Docker) never sees what the hosts say to each other. The controller has one leg on each bridge.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from .host import CONTROLLER, UNDERLAY, UNDERLAY6, WAN, WAN6
from .paths import NETNS
from .shell import run, succeeds, wait_until

UNDERLAY_BRIDGE, WAN_BRIDGE = "lab0", "lab1"
# bridge in the wires = the controller's interface of the same name: (IPv4 prefix, IPv6 prefix, its peer in the wires)
LEGS = {UNDERLAY_BRIDGE: (UNDERLAY, UNDERLAY6, "ctl0"), WAN_BRIDGE: (WAN, WAN6, "ctl1")}


def in_wires(*argv: str) -> list[str]:
    """The command line that runs argv in the wires' namespace."""
    return ["nsenter", f"--net={NETNS}", *argv]


def is_mounted(path: str) -> bool:
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return any(line.split()[4] == path for line in table)


def _ensure_namespace() -> None:
    if not is_mounted(NETNS):
        with open(NETNS, "w", encoding="utf-8"):
            pass
        run(["unshare", f"--net={NETNS}", "true"])
    for bridge in LEGS:
        if not succeeds(in_wires("ip", "link", "show", bridge)):
            run(in_wires("ip", "link", "add", bridge, "type", "bridge"))
        run(in_wires("ip", "link", "set", bridge, "up"))


def ensure() -> None:
    _ensure_namespace()
    for leg, (prefix, prefix6, peer) in LEGS.items():
        if not succeeds(["ip", "link", "show", leg]):
            run(in_wires("ip", "link", "add", peer, "type", "veth", "peer", "name", leg, "netns", str(os.getpid())))
        run(in_wires("ip", "link", "set", peer, "master", leg, "up"))
        run(["ip", "link", "set", leg, "up"])
        run(["ip", "address", "replace", f"{prefix}.{CONTROLLER}/24", "dev", leg])
        # A machine may have IPv6 switched off; the hosts have their own.
        run(["ip", "address", "replace", f"{prefix6}:{CONTROLLER}/64", "dev", leg, "nodad"], check=False)


def attach(link: str, bridge: str) -> bool:
    """Put a host's link on a bridge; false as long as the link is not there."""
    return succeeds(in_wires("ip", "link", "set", link, "master", bridge, "up"))


def detach(links: Iterable[str]) -> None:
    """Take away what a host that is off has left here. The kernel does so too, but at its leisure: until it has ended
    the host's network, or for as long as anybody holds on to that, the names are taken."""

    def gone(link: str) -> bool:
        there = succeeds(in_wires("ip", "link", "show", link))
        return not there or succeeds(in_wires("ip", "link", "delete", link))

    for link in links:
        wait_until(f"the name {link} to be free again", partial(gone, link), 20, pause=0.05)


def remove() -> None:
    for leg in LEGS:
        if succeeds(["ip", "link", "show", leg]):
            run(["ip", "link", "delete", leg])
    while is_mounted(NETNS):
        run(["umount", NETNS])
