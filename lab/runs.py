"""Run the playbooks on an inventory that a test may edit, and read from the output what each host did."""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from . import host as hosts
from .inventory import COMMITTED
from .paths import TREE

_RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)
_TASK = re.compile(r"^TASK \[(.*)\]", re.MULTILINE)


class Run(NamedTuple):
    """What one ansible-playbook did. changed, unreachable, failed: counts by host, as in the recap."""

    code: int
    output: str
    changed: dict[str, int]
    unreachable: dict[str, int]
    failed: dict[str, int]

    def busy(self) -> set[str]:
        """Hosts on which something changed."""
        return {host for host, count in self.changed.items() if count}

    def diffs(self, task: str = "Make the host match its plan") -> dict[str, list[str]]:
        """Of each host, the lines that --diff showed as going or coming in the converge task."""
        found: dict[str, list[str]] = {}
        waiting: list[str] = []
        for line in self.task(task).splitlines():
            told = re.match(r"(?:changed|ok): \[(\S+?)\]", line)
            if told:
                found[told.group(1)] = waiting
                waiting = []
            elif line[:1] in {"+", "-"} and line[:4] not in {"+++ ", "--- "}:
                waiting.append(line)
        return {host: lines for host, lines in found.items() if lines}

    def task(self, name: str) -> str:
        """The output of the task whose name ends so; "" when it was not run."""
        parts = _TASK.split(self.output.partition("\nPLAY RECAP")[0])
        for title, text in zip(parts[1::2], parts[2::2]):
            if title.endswith(": " + name) or title == name:
                return text
        return ""

    def summary(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """The table at the end: (host, kind) and how many were added, changed, removed: ("hub", "link"): (1, 0, 0)."""
        lines = (
            self.task("Say what changed where")
            + self.task("Say what would change where")
            + self.task("Say what the plans change")
        ).splitlines()
        heading = next((line for line in lines if line.startswith("host ")), "")
        starts = [heading.find(word) for word in ("host", "kind", "added", "changed", "removed")]
        rows = {}
        for line in lines[lines.index(heading) + 1 :] if heading else ():
            cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
            if not cells[1] or line.startswith(("note: ", "failed: ", "not reached: ", "ok: ")):
                break
            rows[cells[0], cells[1]] = tuple(int(cell or 0) for cell in cells[2:])
        return {row: numbers for row, numbers in rows.items() if any(numbers)}


def playbook(name: str, inventory: str, *options: str, tree: str = TREE) -> Run:
    """Run playbooks/NAME.yml as a user in the collection's folder would, whatever Ansible started the test.

    tree: that folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
    environment.update(LC_ALL="C.UTF-8", ANSIBLE_NOCOLOR="1")
    program = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
    argv = [program, f"playbooks/{name}.yml", "-i", inventory, *options]
    done = subprocess.run(argv, cwd=tree, env=environment, text=True, capture_output=True, check=False)
    recap = _RECAP.findall(done.stdout)
    counted = [{row[0]: int(row[column]) for row in recap} for column in (2, 3, 4)]
    return Run(done.returncode, done.stdout + done.stderr, *counted)


class Inventory:
    """A copy of inventories/lab in a folder of its own: hub, runner1 and runner2 with an overlay, until a test changes
    that. Of another source, the intent stays as it is there."""

    def __init__(
        self, folder: str, source: str = COMMITTED, members: tuple[str, ...] = ("hub", "runner1", "runner2")
    ) -> None:
        self.folder = folder
        self.source = source
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("build", "ledger.json"), dirs_exist_ok=True)
        self.groups: dict[str, dict[str, dict[str, Any]]] = {"hubs": {}, "runners": {}}
        for name in members:
            self.put(name)
        if source == COMMITTED:
            self.overlay()

    def put(self, name: str, **variables: Any) -> None:
        """The one line of a host, at the address that it has in the lab now; variables add to that line."""
        host = hosts.load(name)
        self.groups.setdefault(host.kind, {})[name] = {"ansible_host": host.address, **variables}
        self._write()

    def drop(self, *names: str) -> None:
        for group in self.groups.values():
            for name in names:
                group.pop(name, None)
        self._write()

    def overlay(self, **fields: Any) -> None:
        """The intent: an overlay with these fields, the rest by default."""
        self.intent(f"version: 1\noverlay: {json.dumps(fields)}\n")

    def intent(self, text: str) -> None:
        with open(self.path("domain.yaml"), "w", encoding="utf-8") as out:
            out.write(text)

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the intent that there is: `edit(lambda intent: intent["clients"].pop("phone"))`."""
        with open(self.path("domain.yaml"), encoding="utf-8") as text:
            document = yaml.safe_load(text)
        change(document)
        self.intent(json.dumps(document, indent=1))

    def restore(self) -> None:
        """The intent of the source again."""
        shutil.copy(os.path.join(self.source, "domain.yaml"), self.path("domain.yaml"))

    def restored(self) -> bool:
        """Whether the intent is the one of the source."""
        return filecmp.cmp(os.path.join(self.source, "domain.yaml"), self.path("domain.yaml"), shallow=False)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def forget(self) -> None:
        """Lose the ledger and the plans."""
        shutil.rmtree(self.path("build"), ignore_errors=True)
        if os.path.exists(self.path("ledger.json")):
            os.unlink(self.path("ledger.json"))

    def files(self) -> dict[str, bytes]:
        """Every file in the folder by its path in it."""
        found = {}
        for folder, _folders, names in os.walk(self.folder):
            for name in names:
                full = os.path.join(folder, name)
                with open(full, "rb") as data:
                    found[os.path.relpath(full, self.folder)] = data.read()
        return found

    def ids(self) -> dict[str, int]:
        """Runner ids by host, as the ledger remembers them."""
        with open(self.path("ledger.json"), encoding="utf-8") as text:
            entries = json.load(text)["hosts"]
        return {name: entry["runner_id"] for name, entry in entries.items() if entry["runner_id"]}

    def site(self, *options: str) -> Run:
        return playbook("site", self.folder, *options)

    def plan(self, *options: str) -> Run:
        return playbook("plan", self.folder, *options)

    def play(self, name: str, *options: str) -> Run:
        return playbook(name, self.folder, *options)

    def _write(self) -> None:
        document = {group: {"hosts": members} for group, members in self.groups.items()}
        with open(self.path("hosts.yml"), "w", encoding="utf-8") as out:
            json.dump(document, out, indent=1)
