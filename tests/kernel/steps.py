# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each machine is put through, step by step.

A moment is something that happens to the host, followed by a look at it and a run of `weft apply`, which then has
nothing to do. Its steps are named MOMENT, MOMENT: look and MOMENT: apply.
"""

from __future__ import annotations

from tests.kernel.disk import Content
from tests.kernel.machine import Step
from tests.kernel.plans import NOTHING

APPLY = "/usr/local/sbin/weft apply"
LOOK = (
    "printf '{\"links\":'; ip -d -j link; printf ',\"addresses\":'; ip -j address; "
    "printf ',\"routes\":'; ip -N -j route; printf '}'"
)
_ONLINE = "/usr/lib/systemd/systemd-networkd-wait-online --any --timeout=90"
_RESTARTED = f"systemctl restart systemd-networkd && {_ONLINE}"

# Links are nobody's in a network file that names the uplink. One that matches everything is asked about, too.
_TAKES_ALL = "/etc/systemd/network/90-all.network"
GREEDY = "a network file that matches every link"
AT_BOOT = f"{GREEDY}, there before our links"
_SPARES = "/etc/systemd/network/05-not-the-overlay.network"
SPARING = "another one before it that leaves ours alone"

NFT_ALONE = "iptables gone, nft left"
FIREWALLD_STARTED = "firewalld started"
FIREWALLD_STOPPED = "firewalld stopped"
CHAIN_LOST = "a chain of ours flushed"

# Enabled as the package's own postinst does.
FIREWALLD_AT_BOOT = {
    f"/etc/systemd/system/{link}": Content("", target="/usr/lib/systemd/system/firewalld.service")
    for link in ("multi-user.target.wants/firewalld.service", "dbus-org.fedoraproject.FirewallD1.service")
}


def _moment(name: str, line: str) -> list[Step]:
    return [(name, line), (f"{name}: look", LOOK), (f"{name}: apply", APPLY)]


def _change(name: str, line: str) -> list[Step]:
    """A moment that leaves something to do; afterwards there is nothing."""
    return [(name, line), (f"{name}: change", APPLY), *_moment(f"{name}, again", "true")]


BOOTED: list[Step] = [
    ("uptime", "cat /proc/uptime"),
    *_moment("booted", "udevadm settle --timeout=90"),
    ("unit", "systemctl show weft-overlay.service -p ActiveState,SubState,Result,ExecMainStatus,Before,After"),
    ("unit verified", "systemd-analyze verify weft-overlay.service"),
    ("boot said", "journalctl -b -o cat -u weft-overlay.service"),
    ("docker found", "cat /run/docker-found.json"),
    ("failed units", "systemctl --failed --no-legend --plain"),
    ("versions", "/usr/bin/python3 -I -S /usr/local/lib/lane/versions.py"),
    ("networkd", "networkctl --json=short list"),
    ("assigned", "grep -H . /sys/class/net/*/addr_assign_type"),
]

MOMENTS: list[Step] = [
    *_moment("networkd restarted", _RESTARTED),
    *_moment(
        "uplink configured anew",
        f"networkctl reload && networkctl reconfigure $(cd /sys/class/net; echo en*) && {_ONLINE}",
    ),
    *_moment(
        "udev rules replayed", "udevadm trigger --action=add --subsystem-match=net && udevadm settle --timeout=90"
    ),
    *_moment("sysctl.d applied anew", "systemctl restart systemd-sysctl"),
]

EMPTIED: list[Step] = [
    ("emptied", f"{APPLY} {NOTHING}"),
    ("emptied: look", LOOK),
    ("emptied: nft", "nft list ruleset"),
    ("filled", APPLY),
    *_moment("filled, again", "udevadm settle --timeout=90"),
]

ALL_TAKEN: list[Step] = [
    (GREEDY, f"printf '[Match]\\nName=*\\n[Network]\\nDHCP=yes\\n' > {_TAKES_ALL}; {_RESTARTED}; sleep 5"),
    (f"{GREEDY}: look", LOOK),
    (f"{GREEDY}: mended", APPLY),
    (f"{GREEDY}: apply", APPLY),
    # As at boot: the links are made while systemd-networkd runs.
    (AT_BOOT, f"{APPLY} {NOTHING}; {APPLY}; sleep 5"),
    (f"{AT_BOOT}: look", LOOK),
    *_change(
        SPARING,
        f"printf '[Match]\\nName=vxkr* kohaku-host\\n[Link]\\nUnmanaged=yes\\n' > {_SPARES}; {_RESTARTED}",
    ),
    *_moment(f"{SPARING}, networkd restarted", f"{_RESTARTED}; sleep 5"),
]

HUB: list[Step] = [
    *BOOTED,
    *MOMENTS,
    *_moment("firewalld reloaded", "firewall-cmd --reload"),
    *_moment("firewalld restarted", "systemctl restart firewalld && firewall-cmd --state"),
    (
        "zone",
        "firewall-cmd --permanent --zone=trusted --list-interfaces && firewall-cmd --zone=trusted --list-interfaces",
    ),
    ("table", "nft -s list table inet weft_overlay"),
    *_change(CHAIN_LOST, "nft flush chain inet weft_overlay scope_guard"),
    *EMPTIED,
    *ALL_TAKEN,
]

RUNNER: list[Step] = [
    *BOOTED,
    *MOMENTS,
    ("saved", "iptables-save"),
    *_change(CHAIN_LOST, "iptables -t mangle -F WEFT-SCOPE"),
    *EMPTIED,
    *_change(NFT_ALONE, "mv /usr/sbin/iptables /usr/sbin/iptables.away"),
    ("table", "nft -s list table inet weft_overlay"),
    *_change(
        FIREWALLD_STARTED,
        "mv /usr/sbin/iptables.away /usr/sbin/iptables && systemctl start firewalld && firewall-cmd --state",
    ),
    *_moment("firewalld reloaded", "firewall-cmd --reload"),
    (
        "zone",
        "firewall-cmd --permanent --zone=trusted --list-interfaces && firewall-cmd --zone=trusted --list-interfaces",
    ),
    *_change(FIREWALLD_STOPPED, "systemctl stop firewalld"),
]


def moments(steps: list[Step]) -> list[str]:
    """Those after which nothing is left to do."""
    return [name[: -len(": apply")] for name, _ in steps if name.endswith(": apply")]
