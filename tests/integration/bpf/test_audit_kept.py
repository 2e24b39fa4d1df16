# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The audit as a host runs it: its own copy of the program, its own Python, and the paths that it has there."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.metrics import METRICS_FILE, METRICS_FOLDER
from ansible_collections.weft.overlay.plugins.module_utils.kernel.stored import PROGRAM_ROOT
from ansible_collections.weft.overlay.plugins.module_utils.model.audit import AUDIT_FOLDER
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import AUDIT_UNIT, PLAN_PATH, SERVICE_STATES
from tests.integration.bpf.hosts import until
from tests.integration.bpf.place import LINKS, packet, tcp
from tests.integration.bpf.stage import Stage
from tests.integration.bpf.test_audit import Room, named
from tests.unit.edge.prometheus import parse
from tests.unit.edge.test_program import collect


def weft(*words: str) -> list[str]:
    """As the command that is written there calls it."""
    return ["/usr/bin/python3", "-I", "-S", f"{PROGRAM_ROOT}/current/main.py", *words]


def install() -> str:
    """The program of this tree, as a run stores it; its digest."""
    found = collect()
    for path, text in found["sources"]:
        file = Path(PROGRAM_ROOT) / found["digest"] / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (Path(PROGRAM_ROOT) / "current").symlink_to(found["digest"])
    return str(found["digest"])


@pytest.mark.usefixtures("bpffs")
def test_a_host_tells_of_what_it_denies_with_nothing_but_what_it_keeps() -> None:
    # Of this test alone, in its own namespace.
    for folder in ("/var/lib", "/run", "/usr/local/lib"):
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    # Also where the machine has one, with what others keep there.
    subprocess.run(["mount", "-t", "bpf", "none", "/sys/fs/bpf"], check=True)
    digest = install()
    stage = Stage(BPF_FOLDER)
    stage.add_links(*LINKS)
    stage.enforce(named())
    Path(PLAN_PATH).parent.mkdir(mode=0o700)
    room = Room(stage, Path(PLAN_PATH).parent)
    assert room.places[:3] == (PLAN_PATH, BPF_FOLDER, AUDIT_FOLDER)
    room.judge(named())
    room.store(named())
    with subprocess.Popen(weft("audit"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as service:
        try:
            state = Path(SERVICE_STATES[AUDIT_UNIT.name])
            until(lambda: state.exists() or service.poll() is not None, "it does not say that it runs")
            assert service.poll() is None, service.communicate()
            assert state.read_text(encoding="utf-8") == f"{service.pid} {digest}\n"
            stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
            until(room.spooled, "no line in the spool")
            metrics = (Path(METRICS_FOLDER) / METRICS_FILE).read_text(encoding="utf-8")
            assert parse(metrics)["weft_policy_as_planned"][1] == {(): 1}
            shown = subprocess.run(weft("denials", "--source", "web"), capture_output=True, text=True, check=False)
            assert (shown.returncode, shown.stderr, len(shown.stdout.splitlines())) == (0, "", 2)
            service.send_signal(signal.SIGTERM)
            out, err = service.communicate(timeout=10)
        finally:
            service.kill()
    assert (service.returncode, err) == (0, "")
    (line,) = out.splitlines()
    assert (json.loads(line)["source"], json.loads(line)["rule"]) == ("web", "policies.never.ingress[2]")
    stage.close()
