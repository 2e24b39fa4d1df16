# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The programs that judge reach a host with the module, are kept on its disk, and come back at boot without Ansible."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.program import program
from ansible_collections.weft.overlay.plugins.module_utils.edge.stored_plan import converge_stored
from ansible_collections.weft.overlay.plugins.module_utils.kernel import journal, stored
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import PROGRAM_ROOT, Program
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import APPLIED
from tests.integration.bpf.stage import ROOT
from tests.integration.policy.town import LINKS, OPEN, SHUT, Town, answers, ip, objects, plan

ANSIBLE = Path(sys.executable).with_name("ansible")


@pytest.fixture
def disk(town: Town) -> Town:
    """Empty folders for programs and for what a host remembers, gone with the mount namespace."""
    for folder in (PROGRAM_ROOT, journal.ROOT):
        made = not os.path.isdir(folder)
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        if made:
            town.at_the_end(lambda folder=folder: os.rmdir(folder))
        town.at_the_end(lambda folder=folder: subprocess.run(["umount", folder], check=True))
    return town


def keep(before: Program | None, after: Program) -> None:
    stored.apply(Change(CHANGE if before else ADD, kinds.PROGRAM, "program", before, after))


def test_what_is_kept_is_what_came(disk: Town) -> None:  # noqa: ARG001
    kept = program(objects())
    keep(None, kept)
    assert stored.objects() == objects()
    assert stored.current_digest() == kept.digest
    assert sorted(os.listdir(f"{PROGRAM_ROOT}/current/bpf")) == ["egress.bpf.o", "ingress.bpf.o"]
    keep(kept, program())
    with pytest.raises(KernelError, match=r"programs of the policy are not there .*run the playbook again"):
        stored.objects()


def test_a_host_boots_with_its_policy(disk: Town) -> None:
    """Everything in the kernel is gone by then; the code and the programs are those on the disk."""
    keep(None, program(objects()))
    path = f"{PROGRAM_ROOT}/plan.json"
    Path(path).write_text(to_json(plan(SHUT)), encoding="utf-8")
    boot = [sys.executable, "-I", "-S", f"{PROGRAM_ROOT}/current/main.py", "apply", path]
    first = subprocess.run(boot, capture_output=True, text=True, check=False)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[:2] == ["+ policy policy", "+ link bridge"]
    assert all(len(disk.programs(link)) == 2 for link in LINKS)
    assert not answers(disk.move_in())
    again = subprocess.run(boot, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    [entry] = journal.entries()
    assert (entry.number, entry.author.name, entry.result) == (1, "weft apply", APPLIED)
    assert entry.changes[:2] == ("+ policy policy", "+ link bridge")


def test_what_a_service_rebuilds_has_its_programs_too(disk: Town) -> None:
    keep(None, program(objects()))
    converge_stored(plan(OPEN), "weft watch")
    ip("link del vxlan0")
    again = converge_stored(plan(OPEN), "weft watch")
    assert "+ policed interface vxlan0" in [str(change) for change in again.changes]
    assert len(disk.programs("vxlan0")) == 2


def ansible(**arguments: Any) -> dict[str, Any]:
    argv = ["localhost", "-i", "localhost,", "-c", "local", "-m", "weft.overlay.converge", "-a", json.dumps(arguments)]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [ANSIBLE, *argv, "-e", "ansible_python_interpreter=/usr/bin/python3"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    _shown, _host, told = done.stdout.partition("localhost | ")
    answer: dict[str, Any] = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]
    return answer


def test_the_module_brings_them(town: Town) -> None:
    first = ansible(plan=to_json(plan(SHUT)), persist=False)
    assert first["changes"][:2] == ["+ policy policy", "+ link bridge"], first
    assert "objects" not in first.get("invocation", {}).get("module_args", {})
    assert all(len(town.programs(link)) == 2 for link in LINKS)
    assert ansible(plan=to_json(plan(SHUT)), persist=False)["changed"] is False
    last = ansible(plan=to_json(plan(None)), persist=False)
    assert last["changes"][-1] == "- policy policy"
    assert not os.path.exists(BPF_FOLDER)
