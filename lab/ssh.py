"""The lab's own ssh: keys, known hosts and a config, all in the run folder."""

from __future__ import annotations

import os

from .host import Host, saved
from .paths import SSH
from .shell import run

MUX = os.path.join(SSH, "mux")
CONFIG = os.path.join(SSH, "config")
COMMON = f"""\
Host *
    User root
    IdentityFile {SSH}/key
    IdentitiesOnly yes
    HostKeyAlias weft-lab
    UserKnownHostsFile {SSH}/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    ControlPath {MUX}/%C
    ConnectTimeout 5
    LogLevel ERROR
"""


def ensure_keys() -> None:
    """One key for the controller and one host key for all hosts, so that a host that moves or is wiped stays known."""
    os.makedirs(MUX, mode=0o700, exist_ok=True)
    for name in ("key", "host_key"):
        path = os.path.join(SSH, name)
        if not os.path.exists(path):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "weft-lab", "-f", path])
    with open(os.path.join(SSH, "host_key.pub"), encoding="ascii") as text:
        public = text.read()
    with open(os.path.join(SSH, "known_hosts"), "w", encoding="ascii") as out:
        out.write(f"weft-lab {public}")


def write_config() -> None:
    """Give the hosts there are their names: `ssh -F /var/lib/weft-lab/ssh/config runner1`."""
    names = "".join(f"Host {host.name}\n    HostName {host.address}\n" for host in saved())
    with open(CONFIG, "w", encoding="utf-8") as out:
        out.write(names + COMMON)


def forget_connection(host: Host) -> None:
    """End the connection Ansible keeps open to a host that went away; a new one would wait on it."""
    for target in (host.address, host.name):
        if os.path.isdir(MUX) and os.listdir(MUX):
            run(["ssh", "-F", CONFIG, "-O", "exit", target], check=False)
