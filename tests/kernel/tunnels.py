# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A router with two tunnels, wg0 of the kernel's own WireGuard and wg1 of wireguard-go, and what it is put through."""

from __future__ import annotations

import subprocess

from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import ROUTER, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import KEY_ROOT, Device, Peer
from tests.kernel.disk import Content
from tests.kernel.machine import Step
from tests.kernel.plans import NOTHING, stored
from tests.kernel.steps import APPLY

NUMBERS = (0, 1)
MORE, SWAPPED = "/etc/lane/more.json", "/etc/lane/swapped.json"
NEW = "N" * 42 + "A="
_FAR = "ip netns exec far"
_LINKS = "printf '{\"links\":'; ip -d -j link; printf ',\"addresses\":'; ip -j address; printf '}'"
_UNITS = "systemctl list-units --all --plain --no-legend 'weft-wireguard-*'"
_SEEN = "/usr/bin/python3 -I -S /usr/local/lib/lane/wireguard.py"


def _keys() -> tuple[str, str]:
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout
    return private, public.strip()


def router() -> tuple[HostPlan, dict[str, Content]]:
    """The plan, and what is on the disk: the router's private keys without their public ones, and the other ends."""
    own, far = [_keys() for _ in NUMBERS], [_keys() for _ in NUMBERS]
    plan = HostPlan(
        host="router",
        role=ROUTER,
        links=(
            Link("wg0", WIREGUARD, "weft:router", "", mtu=1380, ipv6=True, userspace=False, queue=700),
            Link("wg1", WIREGUARD, "weft:router", "", mtu=1400, ipv6=True, userspace=True, queue=600, threads=1),
        ),
        devices=tuple(Device(f"wg{n}", own[n][1], 51820 + n) for n in NUMBERS),
        peers=tuple(
            Peer(f"wg{n}", far[n][1], f"far{n}", (f"10.8.{n}.2/32", f"fd00:80{n}::2/128"), preshared=n == 0)
            for n in NUMBERS
        ),
        addresses=tuple(Address(f"wg{n}", text) for n in NUMBERS for text in (f"10.8.{n}.1/24", f"fd00:80{n}::1/64")),
        sysctls=(Sysctl("net.ipv4.ip_forward", "1"), Sysctl("net.ipv6.conf.all.forwarding", "1")),
    )
    more = plan._replace(peers=(*plan.peers, *(Peer(f"wg{n}", NEW, "new", (f"10.8.{n}.3/32",)) for n in NUMBERS)))
    wg0, wg1 = plan.links
    swapped = plan._replace(links=(wg0._replace(userspace=True, threads=2), wg1._replace(userspace=False, threads=0)))
    files = {MORE: Content(to_json(more)), SWAPPED: Content(to_json(swapped))}
    for n in NUMBERS:
        files[f"{KEY_ROOT}/wg{n}/private"] = Content(own[n][0], 0o600)
        files[f"/etc/lane/far{n}.conf"] = Content(
            f"[Interface]\nPrivateKey={far[n][0]}ListenPort={51900 + n}\n"
            f"[Peer]\nPublicKey={own[n][1]}\nAllowedIPs=10.8.{n}.0/24,fd00:80{n}::/64\n"
            f"Endpoint=198.19.0.1:{51820 + n}\n",
            0o600,
        )
    return plan, {**stored(plan), **files}


def _talk(name: str) -> list[Step]:
    """Pings over each tunnel and family. A session that one end has lost comes back within some 15 s; both tunnels are
    waited for at the same time."""
    tunnels = [f"10.8.{n}.1" for n in NUMBERS]
    again = f"for try in $(seq 20); do {_FAR} ping -c1 -W2 $place > /dev/null && break; done"
    places = [*tunnels, *(f"fd00:80{n}::1" for n in NUMBERS)]
    return [
        (f"{name}: back", f"for place in {' '.join(tunnels)}; do ({again}) & done; wait"),
        *((f"{name}: {place} answers", f"{_FAR} ping -c2 -i0.2 -W5 {place}") for place in places),
    ]


def _look(name: str) -> list[Step]:
    return [(f"{name}: look", _LINKS), (f"{name}: seen", _SEEN), (f"{name}: units", _UNITS), (f"{name}: apply", APPLY)]


_FAR_SIDE = ("far", "/usr/local/lib/lane/far.sh")
_PINGS = f"for n in 0 1; do {_FAR} ping -q -i0.2 -c100 -W5 10.8.$n.1 > /run/ping$n 2>&1 & done; sleep 2"
_PEERS = "wg show all latest-handshakes"
# What the watch does by itself, within its 5 seconds and the time that this machine takes.
_MENDED = "for try in $(seq 60); do wg show wg1 peers 2>&1 | grep -q '=$' && exit 0; sleep 1; done; exit 1"

STEPS: list[Step] = [
    ("uptime", "cat /proc/uptime"),
    ("booted", "udevadm settle --timeout=90"),
    *_look("booted"),
    ("boot said", "journalctl -b -o cat -u weft-overlay.service"),
    ("versions", "/usr/bin/python3 -I -S /usr/local/lib/lane/versions.py"),
    ("modes", f"find {KEY_ROOT} -printf '%m %y %P\\n'"),
    _FAR_SIDE,
    *_talk("booted"),
    ("pings", f"{_PINGS}; {_PEERS}"),
    ("more", f"{APPLY} {MORE}"),
    ("more: peers", _PEERS),
    ("pinged", "while pgrep -x ping > /dev/null; do sleep 1; done; cat /run/ping0 /run/ping1"),
    ("more: apply", f"{APPLY} {MORE}"),
    ("less", APPLY),
    ("killed", f"systemctl kill --signal=KILL weft-wireguard-wg1; sleep 3; {_MENDED}"),
    ("watch said", "journalctl -b -o cat -u weft-watch.service"),
    *_look("killed"),
    *_talk("killed"),
    ("udev rules replayed", "udevadm trigger --action=add --subsystem-match=net && udevadm settle --timeout=90"),
    *_look("udev rules replayed"),
    ("swapped", f"systemctl stop weft-watch && {APPLY} {SWAPPED}"),
    ("swapped: again", f"{APPLY} {SWAPPED}"),
    ("swapped: seen", _SEEN),
    *_talk("swapped"),
    ("emptied", f"{APPLY} {NOTHING}"),
    ("emptied: look", _LINKS),
    ("emptied: units", f"{_UNITS}; ls /run/systemd/transient /run"),
    ("filled", APPLY),
    *_look("filled"),
    *_talk("filled"),
]

# After a reboot of the same disk.
AGAIN: list[Step] = [
    ("uptime", "cat /proc/uptime"),
    ("rebooted", "udevadm settle --timeout=90"),
    *_look("rebooted"),
    (
        "boot said",
        "journalctl -b -o short-monotonic -u weft-overlay.service -u weft-watch.service -u 'weft-wireguard-*'",
    ),
    _FAR_SIDE,
    *_talk("rebooted"),
]
