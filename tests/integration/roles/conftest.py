# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A router and a NAS for roles that only touch disks: each is a mount namespace of this machine with folders of its own
for what weft keeps, and Ansible goes in by its interpreter."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.fail("mount namespaces need root")
    for place in PLACES:
        Path(place).mkdir(parents=True, exist_ok=True)
    found = Site(tmp_path_factory.mktemp("site"))
    yield found
    found.stop()
