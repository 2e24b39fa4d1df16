"""A host's disk: an overlay that we mount ourselves, so that a reboot finds its files again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil

from . import cache
from .host import FIXED, HOME, MOBILE, UNDERLAY, UNDERLAY6, WAN, WAN6, Host, runner
from .network import is_mounted
from .paths import SSH, host_bpffs, host_dir, host_file, host_root
from .shell import run

NSPAWN_RUN = "/run/systemd/nspawn"
ROUTER = 1  # last number of the router's address on both networks
ROAD = 100  # last number of the provider's address on the WAN

# What most routers at home do for a server behind them: its ports on the router's own WAN address, in both families.
# wg1…wg15 of nas1 are reached at 198.19.0.1 and 2001:2:0:19::1.
FORWARD = f"""\
table inet lab_forward
delete table inet lab_forward
table inet lab_forward {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        ip daddr {WAN}.{ROUTER} udp dport 51821-51835 dnat ip to {UNDERLAY}.2
        ip6 daddr {WAN6}:{ROUTER} udp dport 51821-51835 dnat ip6 to {UNDERLAY6}:2
    }}
}}
"""


def _write(host: Host, path: str, text: str, mode: int = 0o644) -> None:
    full = host_file(host.name, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(full, mode)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as text:
        return text.read()


def network_batch(host: Host) -> str:
    """The `ip -batch` file that gives the host its addresses and default route."""
    lines = [
        "link set lo up",
        "link set host0 up",
        "address flush dev host0 scope global",
        f"address replace {host.address}/24 dev host0",
        f"address replace {host.address6}/64 dev host0 nodad",
    ]
    if host.kind == "routers":
        lines += [
            "link set wan0 up",
            f"address replace {WAN}.{ROUTER}/24 dev wan0",
            f"address replace {WAN6}:{ROUTER}/64 dev wan0 nodad",
            f"route replace default via {WAN}.{ROAD}",
            f"route replace default via {WAN6}:{ROAD}",
        ]
    elif host.name == "road":  # knows where the site is, and of no internet beyond
        lines += [
            f"route replace {UNDERLAY}.0/24 via {WAN}.{ROUTER}",
            f"route replace {UNDERLAY6}:/64 via {WAN6}:{ROUTER}",
        ]
    else:
        prefix, prefix6 = (WAN, WAN6) if host.on_wan else (UNDERLAY, UNDERLAY6)
        lines += [f"route replace default via {prefix}.{ROUTER}", f"route replace default via {prefix6}:{ROUTER}"]
        if host.on_wan:
            lines += [f"route replace {net}.0/24 via {WAN}.{ROAD}" for net, _ in (HOME, MOBILE)]
            lines += [f"route replace {net}:/64 via {WAN6}:{ROAD}" for _, net in (HOME, MOBILE)]
    return "\n".join(lines) + "\n"


def _names() -> str:
    known = [*FIXED, *(runner(number) for number in range(1, 10))]
    return "127.0.0.1 localhost\n::1 localhost\n" + "".join(f"{h.address} {h.name}\n" for h in known)


def write_network(host: Host) -> None:
    _write(host, "/etc/lab/network", network_batch(host))


def mount(host: Host) -> None:
    """Mount the host's disk if it is not; what the host wrote before is on it."""
    if not is_mounted(host_root(host.name)):
        base = host_dir(host.name)
        upper, work = os.path.join(base, "upper"), os.path.join(base, "work")
        cache.mount_overlay(cache.lowers(host.firewall), upper, work, host_root(host.name))


def mount_bpffs(name: str) -> None:
    """An empty bpffs, as a kernel has one at each boot: all of them share ours, and must not see each other's."""
    unmount_bpffs(name)
    os.makedirs(host_bpffs(name), exist_ok=True)
    run(["mount", "-t", "bpf", "-o", "nosuid,nodev,noexec,mode=700", "bpf", host_bpffs(name)])  # as systemd does


def unmount_bpffs(name: str) -> None:
    while is_mounted(host_bpffs(name)):
        run(["umount", host_bpffs(name)])


def _forget_nspawn_files(name: str) -> None:
    """Remove what systemd-nspawn leaves of a machine below /run: an empty folder, and a lock named after its root."""
    with contextlib.suppress(OSError):
        os.rmdir(os.path.join(NSPAWN_RUN, "propagate", name))
    with contextlib.suppress(OSError):
        root = os.stat(host_root(name))
        os.unlink(os.path.join(NSPAWN_RUN, "locks", f"inode-{root.st_dev}:{root.st_ino}"))


def unmount(name: str) -> None:
    """Unmount what a host that is off had."""
    unmount_bpffs(name)
    if is_mounted(host_root(name)):
        _forget_nspawn_files(name)
    while is_mounted(host_root(name)):
        run(["umount", host_root(name)])


def prepare(host: Host) -> None:
    """Mount a fresh disk and write what makes it this host."""
    mount(host)
    _write(host, "/etc/hostname", f"{host.name}\n")
    _write(host, "/etc/hosts", _names())
    # The same after a wipe, and never empty: systemd would take that for a first boot.
    _write(host, "/etc/machine-id", hashlib.sha256(f"weft-lab {host.name}".encode()).hexdigest()[:32] + "\n")
    write_network(host)
    _write(host, "/root/.ssh/authorized_keys", _read(os.path.join(SSH, "key.pub")), 0o600)
    os.chmod(host_file(host.name, "/root/.ssh"), 0o700)
    _write(host, "/etc/ssh/ssh_host_ed25519_key", _read(os.path.join(SSH, "host_key")), 0o600)
    _write(host, "/etc/ssh/ssh_host_ed25519_key.pub", _read(os.path.join(SSH, "host_key.pub")))
    if host.name in {"router", "road"}:
        _write(host, "/etc/sysctl.d/50-lab-router.conf", "net.ipv4.ip_forward=1\nnet.ipv6.conf.all.forwarding=1\n")
    if host.kind == "routers":
        _write(host, "/etc/lab/forward.nft", FORWARD)
        _write(
            host,
            "/etc/systemd/system/lab-network.service.d/forward.conf",
            "[Service]\nExecStartPost=/usr/sbin/nft -f /etc/lab/forward.nft\n",
        )
    if host.has_docker:
        cache.chroot(host_root(host.name), "systemctl", "--quiet", "enable", "docker", "containerd", "lab-image")


def wipe(name: str) -> None:
    """Throw the disk away; the host must be off."""
    unmount(name)
    for part in ("upper", "work"):
        shutil.rmtree(os.path.join(host_dir(name), part), ignore_errors=True)
