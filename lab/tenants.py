"""The tenants that molecule/policy builds: who they are and where, and a quick way to give them other policies."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml

from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others
from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json

from . import machine, matrix, traffic
from .matrix import Party
from .paths import RUN, TREE
from .runs import Inventory
from .shell import LabError

SOURCE = os.path.join(TREE, "molecule", "policy", "inventory")
RUNNERS = ("runner1", "runner2", "runner3")
MEMBERS = ("hub", *RUNNERS, "router", "nas1")
POLICED = MEMBERS[:-1]
PORTS = (80, 81)
TIERS = ("web", "app", "db")
# Containers by name: runner and address. Of each tier one on each runner; two of another tenant.
CONTAINERS = {
    f"{tier}{runner}": (f"runner{runner}", f"10.{runner}.1.{last}")
    for last, tier in enumerate(TIERS, start=1)
    for runner in (1, 2, 3)
}
# Whom each of them reaches, as the scenario's policies are: by protocol and port.
ALLOWED = {
    *((f"web{one}", f"app{other}", matrix.TCP, 80) for one in (1, 2, 3) for other in (1, 2, 3)),
    *((f"app{one}", f"db{other}", matrix.TCP, 80) for one in (1, 2) for other in (1, 2, 3)),
    *((f"app{one}", f"db{other}", matrix.UDP, 81) for one in (1, 2) for other in (1, 2, 3)),
}
TRIALS = {"trial1": ("runner1", "10.1.2.1"), "trial2": ("runner2", "10.2.2.1")}


def inventory() -> Inventory:
    """The scenario's inventory as the effects edit it. It goes with the lab, the ledger in it too."""
    return Inventory(os.path.join(RUN, "policy"), SOURCE, MEMBERS)


def parties(containers: Mapping[str, tuple[str, str]] = CONTAINERS) -> list[Party]:
    """These containers, running and answering."""
    with ThreadPoolExecutor(len(RUNNERS)) as pool:
        started = list(pool.map(lambda runner: _on(runner, containers), RUNNERS))
    found = {party.name: party for parties in started for party in parties}
    return [found[name] for name in containers]


def _on(runner: str, containers: Mapping[str, tuple[str, str]]) -> list[Party]:
    mine = {name: address for name, (where, address) in containers.items() if where == runner}
    for name, address in mine.items():
        got = traffic.run_container(runner, traffic.NETWORK, name, "--ip", address, "--label", f"lab.name={name}")
        if got != address:
            raise LabError(f"{name} has {got}, not {address}")
    return [matrix.served(runner, name, address, PORTS) for name, address in mine.items()]


def start(runner: str, name: str, address: str, command: str) -> None:
    """A container that does something else than to serve; it begins with it whenever Docker starts it."""
    traffic.remove_container(runner, name)
    fixed = f"docker run -d --restart always --name {name} --network {traffic.NETWORK} --ip {address}".split()
    traffic.must(runner, *fixed, "--label", f"lab.name={name}", traffic.IMAGE, "sh", "-c", command)


def rewrite(mine: Inventory, **changed: Any) -> dict[str, Any]:
    """Gives the intent other values below these keys; returns all of it."""
    with open(mine.path("domain.yaml"), encoding="utf-8") as text:
        document = yaml.safe_load(text)
    document.update(changed)
    mine.intent(json.dumps(document, indent=1))
    return document


def apply(mine: Inventory, hosts: Collection[str] = POLICED) -> None:
    """What a run does once the hosts have been asked, without Ansible: the plans are compiled and each of the hosts
    carries out its own, with the program that it has. Raises LabError, IntentError."""
    project = Project(mine.path("domain.yaml"), mine.path("ledger.json"), mine.path("build"))
    others = Others(*(tuple(mine.groups.get(group, ())) for group in Others._fields))
    members = Members(mine.groups["hubs"], mine.groups["runners"], None, others)
    compiled = compile_project(project, members, {}, Mode(offline=True, keep=False)).compiled
    with ThreadPoolExecutor(len(hosts)) as pool:
        for done in [pool.submit(carry_out, host, to_json(compiled.plans[host])) for host in hosts]:
            done.result()


def carry_out(host: str, plan: str) -> None:
    done = machine.execute(host, "weft", "apply", "/dev/stdin", stdin=plan)
    if done.returncode != 0:
        raise LabError(f"{host}: {done.stderr.strip()}")
