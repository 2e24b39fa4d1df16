# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A router and a NAS for what only touches disks: each is a mount namespace of this machine with folders of its own for
what weft keeps. Ansible goes in by its interpreter, and tests that need no Ansible call what its modules call."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import Ends
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY, LinkEntry, from_json, to_json
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import (
    Project,
    read_intent,
    read_ledger,
    write_plans,
)
from ansible_collections.weft.overlay.plugins.module_utils.edge.store_files import Place, files_of, keys_of, places
from ansible_collections.weft.overlay.plugins.module_utils.kernel.store.manifest import entry_of
from ansible_collections.weft.overlay.plugins.module_utils.model.client import ClientConfig
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
# What a host has of its own.
PLACES = ("/var/lib/weft", "/srv", "/run/weft")


class Machine:
    """One host. wipe(): as if it were installed from scratch."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._start()

    def _start(self) -> None:
        mounts = " && ".join(f"mount -t tmpfs -o mode=755 tmpfs {place}" for place in PLACES)
        command = ["unshare", "--mount", "sh", "-c", f"{mounts} && echo up && exec sleep infinity"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"up\n"
        self.python = self._folder / f"{self.name}-python"
        enter = f"nsenter --target {self._process.pid} --mount"
        self.python.write_text(f'#!/bin/sh\nexec {enter} /usr/bin/python3 "$@"\n')
        self.python.chmod(0o755)
        self._enter = enter.split()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def wipe(self) -> None:
        self.stop()
        self._start()

    def save(self, archive: Path) -> None:
        self.run("tar", "--create", "--file", str(archive), "--directory=/", *(place.lstrip("/") for place in PLACES))

    def restore(self, archive: Path) -> None:
        self.wipe()
        self.run("tar", "--extract", "--preserve-permissions", "--file", str(archive), "--directory=/")

    def run(self, *command: str) -> str:
        done = subprocess.run([*self._enter, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def call(self, code: str, data: Any = None) -> Any:
        """What `answer` is after the code ran there, with the rooms to import and `data` at hand."""
        head = f"import json, sys\nsys.path.insert(0, {str(ROOT / 'plugins')!r})\ndata = json.load(sys.stdin)\n"
        program = f"{head}answer = None\n{code}\nprint(json.dumps(answer))"
        command = [*self._enter, "/usr/bin/python3", "-B", "-c", program]
        done = subprocess.run(command, input=json.dumps(data), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def files(self, folder: str) -> dict[str, bytes]:
        """{path: content} of all regular files below, and no wider permissions than ours."""
        top = Path(f"/proc/{self._process.pid}/root{folder}")
        found = {}
        for path, folders, names in os.walk(top):
            assert all(stat.S_IMODE(Path(path, name).stat().st_mode) == 0o700 for name in folders if name != "trees")
            for name in names:
                file = Path(path, name)
                if not file.is_symlink() and name != "lock":
                    assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
                    found[str(file.relative_to(top))] = file.read_bytes()
        return found

    def path(self, path: str) -> Path:
        """A path of the host as this process sees it."""
        return Path(f"/proc/{self._process.pid}/root{path}")


class Site:
    """An inventory with both, and Ansible."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._saved = folder / "controller", folder / "saved"
        self.folder.mkdir()
        self._saved.mkdir()
        self.router, self.nas = Machine(folder, "router1"), Machine(folder, "nas1")
        self.write_inventory()

    def write_inventory(self, nas_is_there: bool = True) -> None:
        away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
        machines = ((self.router, "routers", True), (self.nas, "nas", nas_is_there))
        groups = {
            group: {
                "hosts": {machine.name: {"ansible_python_interpreter": str(machine.python), **({} if there else away)}}
            }
            for machine, group, there in machines
        }
        document = {"all": {"vars": {"ansible_connection": "local"}, "children": groups}}
        (self.folder / "hosts.json").write_text(json.dumps(document))

    def play(
        self, roles: list[Any], *options: str, hosts: str = "all", before: Any = ()
    ) -> subprocess.CompletedProcess[str]:
        play = {"hosts": hosts, "gather_facts": False, "pre_tasks": list(before), "roles": roles}
        play["vars"] = {"weft_compiled": {"build": str(self.folder / "build")}}
        (self.folder / "play.json").write_text(json.dumps([play]))
        return self.playbook(str(self.folder / "play.json"), *options)

    def playbook(self, path: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(PLAYBOOK), "-i", str(self.folder / "hosts.json"), path, *options]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp")}
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)

    def save(self, name: str) -> None:
        """Everything as it is now, so that tests need not play what came before."""
        for machine in (self.router, self.nas):
            machine.save(self._saved / f"{name}-{machine.name}.tar")
        shutil.copytree(self.folder, self._saved / name, ignore=shutil.ignore_patterns("tmp"))

    def restore(self, name: str) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self._saved / name, self.folder)
        for machine in (self.router, self.nas):
            machine.restore(self._saved / f"{name}-{machine.name}.tar")
        self.write_inventory()

    def stop(self) -> None:
        self.router.stop()
        self.nas.stop()


STORE = "/srv/weft"
LINKS = {"router1": "wg0", "nas1": "wg1"}
CLIENTS = {"router1": ["phone", "laptop"], "nas1": ["desk"]}
INTENT = """\
version: 1
servers:
  router1: {role: router, management: {ipv4: 198.18.0.1}}
  nas1: {role: nas, management: {ipv4: 198.18.0.3}}
interfaces:
  wg0: {server: router1, endpoint: {host: 192.0.2.1, port: 51820}, subnets: {ipv4: 10.8.0.0/24}, lan: [198.18.0.0/24]}
  wg1: {server: nas1, endpoint: {host: 192.0.2.1, port: 51821}, subnets: {ipv4: 10.9.0.0/24}, lan: [198.18.0.0/24]}
profiles: {home: {lan: true}}
bindings: {wg0: [home], wg1: [home]}
clients:
  phone: {interface: wg0, profile: home}
  laptop: {interface: wg0, profile: home}
  desk: {interface: wg1, profile: home}
store: {server: nas1, path: /srv/weft, identity: %s}
"""
MAKE = """
from module_utils.kernel.clients import kept as clients
from module_utils.kernel.keys import private as keys
from module_utils.model.change import ADD, Change
from module_utils.model.client import ClientConfig
server = keys.make_link(data["link"])
made = clients.make(data["clients"])
rest = (1420, server, "192.0.2.1:51820", ("198.18.0.0/24",), 25, True)
configs = [ClientConfig(name, data["link"], key, False, ("10.8.0.2/32",), (), *rest) for name, key in made]
clients.apply([Change(ADD, "client", config.name, None, config) for config in configs])
answer = [server, [config._asdict() for config in clients.observe()]]
"""
SECRETS = """
import re
from pathlib import Path
root = Path("/var/lib/weft")
texts = [path.read_text(errors="replace") for path in root.rglob("*") if path.is_file()]
found = set(re.findall("[A-Za-z0-9+/]{43}=", "".join(texts)))
public = set(re.findall("PublicKey = ([A-Za-z0-9+/]{43}=)", "".join(texts)))
public |= {path.read_text().strip() for path in root.rglob("*.pub")}
answer = sorted(found - public)
"""


def build(site: Site) -> None:
    (site.folder / "domain.yaml").write_text(INTENT % "true")
    plans, interfaces = {}, {}
    for machine in (site.router, site.nas):
        link = LINKS[machine.name]
        server, found = machine.call(MAKE, {"link": link, "clients": CLIENTS[machine.name]})
        configs = tuple(ClientConfig(**{key: _tuple(value) for key, value in one.items()}) for one in found)
        plans[machine.name] = HostPlan(machine.name, "router", devices=(Device(link, server, 51820),), clients=configs)
        interfaces[link] = LinkEntry(machine.name, Ends(server))
    write_plans(str(site.folder / "build"), plans)
    (site.folder / "ledger.json").write_text(to_json(EMPTY._replace(interfaces=interfaces)))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def current(machine: Machine, path: str = STORE) -> dict[str, bytes]:
    number = machine.run("readlink", f"{path}/current").strip()
    return machine.files(f"{path}/{number}")


def kept(machine: Machine) -> dict[str, bytes]:
    return {**machine.files("/var/lib/weft/clients"), **machine.files("/var/lib/weft/keys")}


class Exchange:
    """What the roles store and recover do, without Ansible: the same calls in the same order."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._project = Project(*(str(site.folder / name) for name in ("domain.yaml", "ledger.json", "build")))

    def store(self, *hosts: str) -> tuple[bool, list[str]]:
        """(whether anything was written, notes). hosts: those in this run, all where none is named."""
        changed, notes = False, []
        for place in places(read_intent(self._project.intent)):
            files = files_of(self._project)
            request = {
                "files": {path: list(entry_of(data)) for path, data in files.items()},
                **{name: getattr(place, name) for name in ("servers", "keep", "identity")},
                "first": True,
            }
            seen = self._answer(place, "seen", request)
            packs = {host: self._pack(place, host, seen) for host in place.servers if not hosts or host in hosts}
            notes += [note for packed in packs.values() for note in packed["notes"]]
            if seen["stale"] or any(packed["news"] for packed in packs.values()):
                contents = {path: b64encode(files[path]).decode() for path in seen["wanted"]}
                written = {**request, "contents": contents, "packs": packs, "who": "ada@desk"}
                changed = self._answer(place, "written", written)["changed"] or changed
        return changed, notes

    def recover(self, host: str, generation: int | None = None) -> dict[str, Any]:
        machine = self._machine(host)
        certificate = machine.call("from module_utils.kernel.keys import sealing\nanswer = sealing.certificate()")
        found = places(read_intent(self._project.intent))
        place = next(place for place in found if place.server != host and host in place.servers)
        request = {"server": host, "certificate": certificate, "generation": generation}
        released = self._answer(place, "released", request)
        then = released["ledger"]
        ledger = from_json(then, "ledger.json") if then else read_ledger(self._project.ledger)
        expected = keys_of(ledger, host)
        code = "from module_utils.edge.pack import restore\nanswer = restore(*data)"
        restored: dict[str, Any] = machine.call(code, [released["sealed"], expected, False])
        return restored

    def verify(self) -> list[str]:
        place = places(read_intent(self._project.intent))[0]
        notes: list[str] = self._answer(place, "verified", {})["notes"]
        return notes

    def _pack(self, place: Place, host: str, seen: dict[str, Any]) -> dict[str, Any]:
        code = "from module_utils.edge.pack import pack\nanswer = pack(*data)"
        data = [seen["known"][host], seen["certificate"], place.identity]
        packed: dict[str, Any] = self._machine(host).call(code, data)
        return packed

    def _answer(self, place: Place, state: str, request: dict[str, Any]) -> dict[str, Any]:
        code = "from module_utils.edge.store import answer as ask\nanswer = ask(*data)"
        answer: dict[str, Any] = self._machine(place.server).call(code, [state, place.path, request, False])
        return answer

    def _machine(self, host: str) -> Machine:
        return {machine.name: machine for machine in (self._site.router, self._site.nas)}[host]
