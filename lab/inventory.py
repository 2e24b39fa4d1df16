"""The lab as an Ansible inventory: one text for the committed default and for the lab that is up."""

from __future__ import annotations

import contextlib
import os
import shutil

from .host import FIXED, Host, runner, saved
from .paths import INVENTORY, TREE

COMMITTED = os.path.join(TREE, "inventories", "lab")
GROUPS = (
    ("hubs", ""),
    ("runners", "    # One line is all a runner takes: runner3: {ansible_host: 198.18.0.13}\n"),
    ("routers", ""),
    ("nas", ""),
    ("peers", "    # A machine elsewhere, that reaches the router over the WAN.\n"),
    ("outside", "    # Play the internet and a provider with VPN clients behind it: nothing is built here.\n"),
)


def default_hosts() -> list[Host]:
    return [*FIXED, runner(1), runner(2)]


def render(hosts: list[Host]) -> str:
    """hosts.yml for these hosts; every group is there even when nobody is in it."""
    text = "# The hosts of the lab (lab/README.md). `python3 -m lab up` starts them.\n"
    for group, note in GROUPS:
        members = [host for host in hosts if host.kind == group]
        text += f"{group}:\n{note}  hosts:{'' if members else ' {}'}\n"
        text += "".join(f"    {host.name}: {{ansible_host: {host.address}}}\n" for host in members)
    return text


def forget() -> None:
    """What was handed out on the lab before: its hosts and their keys are gone, and to new ones it would mean that
    every client is about to change its key."""
    shutil.rmtree(os.path.join(COMMITTED, "build"), ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(COMMITTED, "ledger.json"))


def write_live() -> None:
    """Keep the run folder's inventory in step with the hosts there are; a changed domain.yaml in it is left alone."""
    os.makedirs(INVENTORY, exist_ok=True)
    with open(os.path.join(INVENTORY, "hosts.yml"), "w", encoding="utf-8") as out:
        out.write(render(saved()))
    if not os.path.exists(os.path.join(INVENTORY, "domain.yaml")):
        shutil.copy(os.path.join(COMMITTED, "domain.yaml"), INVENTORY)
        shutil.copytree(os.path.join(COMMITTED, "group_vars"), os.path.join(INVENTORY, "group_vars"))
