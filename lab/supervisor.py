"""One small process per host that runs systemd-nspawn, and runs it again when the host reboots."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from . import cgroup, disk, network
from .host import Host, load
from .paths import TREE, host_bpffs, host_dir, host_root
from .shell import wait_until

REBOOT = 133  # systemd-nspawn --keep-unit: "start me again" (RestartForceExitStatus= of systemd-nspawn@.service)
ROUTER_WAN_LINK = "wan-router"
JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"'


def command(host: Host) -> list[str]:
    """The systemd-nspawn command line of a host, run in the wires' namespace so that its links appear there."""
    bridge = network.WAN_BRIDGE if host.on_wan else network.UNDERLAY_BRIDGE
    argv = [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        f"--directory={host_root(host.name)}",
        f"--machine={host.name}",
        f"--network-bridge={bridge}",
        "--capability=all",
        "--system-call-filter=bpf keyctl add_key @privileged",
        f"--bind={host_bpffs(host.name)}:/sys/fs/bpf",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--boot",
    ]
    if host.kind == "routers":
        argv.insert(-1, f"--network-veth-extra={ROUTER_WAN_LINK}:wan0")
    if os.path.exists("/dev/net/tun"):
        argv.insert(-1, "--bind=/dev/net/tun")
    return network.in_wires(*argv)


def _links(host: Host) -> list[str]:
    """What a host has in the wires' namespace: systemd-nspawn(1), --network-bridge= and --network-veth-extra=."""
    return [f"vb-{host.name}", *([ROUTER_WAN_LINK] if host.kind == "routers" else [])]


def _attach_router() -> None:
    wait_until("the router's WAN link", lambda: network.attach(ROUTER_WAN_LINK, network.WAN_BRIDGE), 20, pause=0.05)


def supervise(name: str) -> int:
    """Run the host until it powers off; its console goes to our stdout. Returns nspawn's exit code."""
    while True:
        host = load(name)
        network.detach(_links(host))
        disk.mount_bpffs(name)
        procs = cgroup.make(name)
        # dockerd starts containers only where it finds one unified hierarchy.
        env = dict(os.environ, UNIFIED_CGROUP_HIERARCHY="yes")
        nspawn = subprocess.Popen(["sh", "-c", JOIN, "join", *procs, "--", *command(host)], env=env)
        if host.kind == "routers":
            threading.Thread(target=_attach_router, daemon=True).start()
        code = nspawn.wait()
        if code != REBOOT:
            return code


def spawn(host: Host) -> None:
    """Start the supervisor of a host and leave it running."""
    base = host_dir(host.name)
    with open(os.path.join(base, "console.log"), "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", "supervise", host.name],
            cwd=TREE,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with open(os.path.join(base, "supervisor.pid"), "w", encoding="ascii") as out:
        out.write(str(process.pid))
    # It outlives us on purpose; without this, Python warns that nobody waits for it.
    process.returncode = 0


def pid(name: str) -> int | None:
    """The supervisor's pid if it runs; a number that now belongs to another process does not count."""
    try:
        with open(os.path.join(host_dir(name), "supervisor.pid"), encoding="ascii") as text:
            number = int(text.read())
        with open(f"/proc/{number}/cmdline", "rb") as line:
            words = line.read().split(b"\0")
    except (OSError, ValueError):
        return None
    return number if words[1:5] == [b"-m", b"lab", b"supervise", name.encode()] else None
