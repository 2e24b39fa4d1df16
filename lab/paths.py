"""Where the lab keeps things: a cache that outlives it, and a run folder that `down` removes."""

from __future__ import annotations

import os

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(HERE)
ROOTFS_RECIPE = os.path.join(HERE, "rootfs")

RELEASE = os.environ.get("WEFT_LAB_RELEASE", "bookworm")
CACHE = os.environ.get("WEFT_LAB_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weft-lab"
)

# Fixed, because inventories/lab/group_vars/all.yml names the ssh files in it.
RUN = "/var/lib/weft-lab"
HOSTS = os.path.join(RUN, "hosts")
SSH = os.path.join(RUN, "ssh")
INVENTORY = os.path.join(RUN, "inventory")
NETNS = os.path.join(RUN, "wires")
UNDO = os.path.join(RUN, "undo.json")
CGROUP = "weft-lab"


def host_dir(name: str) -> str:
    return os.path.join(HOSTS, name)


def host_root(name: str) -> str:
    """The mounted root filesystem of a host, as the machine sees it."""
    return os.path.join(HOSTS, name, "root")


def host_bpffs(name: str) -> str:
    """Where the host's own bpffs is mounted, as the machine sees it."""
    return os.path.join(HOSTS, name, "bpf")


def host_file(name: str, path: str) -> str:
    """A path inside the host, as the machine sees it."""
    return os.path.join(host_root(name), path.lstrip("/"))


def agent(name: str) -> str:
    """The text of a program of lab/agents, that runs in hosts and clients: `python3 -c TEXT`."""
    with open(os.path.join(HERE, "agents", name + ".py"), encoding="utf-8") as text:
        return text.read()
