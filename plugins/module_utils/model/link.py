# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A network device that weft owns."""

from __future__ import annotations

from typing import NamedTuple

BRIDGE = "bridge"
DUMMY = "dummy"
VXLAN = "vxlan"
WIREGUARD = "wireguard"


class Link(NamedTuple):
    """One device as it should be, or as it was observed (then of our own making).

    kind: BRIDGE, DUMMY, VXLAN or WIREGUARD.
    alias: `weft:<host>`; "" when the mark is missing (drift).
    mac: aa:bb:cc:dd:ee:ff, fixed so that a re-created link leaves no stale neighbour behind; "" for WIREGUARD, which
    has none.
    mtu: bytes; 0 in a plan means: as the kernel chooses.
    master: name of the bridge it is a port of; None: of none.
    vni, port, local, remote: of a VXLAN (RFC 7348), None otherwise. `remote` is the device's only, static FDB
    destination. local and remote are addresses of the underlay, of one family.
    learning: a VXLAN that learns sources is drift; always False in a plan.
    gated: of a BRIDGE: a new port of it lets nothing through until somebody opens it (kernel/netlink/gates.py); of a
    port of ours on such a bridge: it is open. It follows from the plan's policy, so links in plans do not say it.
    far: of a port of ours on a bridge whose ports are policed: the MAC address of the device at its other end. The
    bridge takes frames from this one alone there, and sends what is for it nowhere else (kernel/netlink/port_macs.py).
    None: the port is as the kernel makes it.
    up, grouped, ipv6: state that drifts; a plan always has the defaults. `ipv6` False means
    net.ipv6.conf.<name>.disable_ipv6=1. rp_filter is nobody's business here: the firewall validates sources, and
    systemd's udev rules set that switch on every new device to what the distribution wants.
    by_mark: of WIREGUARD: where a source leads to is looked for as its packet's mark says, and not in the main table
    (net.ipv4.conf.<name>.src_valid_mark): others of the host have the same addresses behind them.
    userspace: of WIREGUARD: False: the kernel's own; True: wireguard-go, as a service; None in a plan: the kernel's own
    where it has one. queue: transmit queue length in packets, threads: processors that wireguard-go may use; 0 in a
    plan: as it comes.
    """

    name: str
    kind: str
    alias: str
    mac: str
    mtu: int = 0
    master: str | None = None
    vni: int | None = None
    port: int | None = None
    local: str | None = None
    remote: str | None = None
    learning: bool = False
    up: bool = True
    grouped: bool = True
    ipv6: bool = False
    userspace: bool | None = None
    queue: int = 0
    threads: int = 0
    gated: bool = False
    far: str | None = None
    by_mark: bool = False

    def key(self) -> str:
        return self.name


# What the kernel cannot change on a living device: it is removed and made anew.
_FIXED = ("kind", "vni", "port", "learning", "userspace", "threads")


def fixed_differences(before: Link, after: Link) -> tuple[str, ...]:
    """What would have to change on `before` and cannot in place; also a move to the other address family."""
    fixed = [name for name in _FIXED if getattr(before, name) != getattr(after, name)]
    for name in ("local", "remote"):
        old, new = getattr(before, name), getattr(after, name)
        if old and new and (":" in old) != (":" in new):
            fixed.append(name)
    return tuple(fixed)


class ForeignLink(NamedTuple):
    """A device that is not ours: what of it could stand in our way. vni and port are those of a VXLAN. mtu: bytes, 0:
    not known."""

    name: str
    kind: str
    vni: int | None = None
    port: int | None = None
    mtu: int = 0
