# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbook of status on a host without a plan and beside one that nobody reaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
HOSTS = """
all:
  children:
    hubs: {hosts: {hub1: {ansible_connection: local, underlay_address: 198.18.0.10}}}
    runners: {hosts: {runner1: {ansible_host: 127.0.0.1, ansible_port: 1, underlay_address: 198.18.0.11}}}
"""
LINKS = " && ".join(
    (
        "ip link set lo up",
        "ip link add uplink type veth peer name far",
        "ip address add 198.18.0.10/24 dev uplink",
        "ip link set uplink up",
        "ip link set far up",
    )
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """hub1 has a network and a disk of its own, on which weft never was."""
    mounts = " && ".join(
        f"mount -t tmpfs tmpfs {place}" for place in ("/var/lib", "/run", "/usr/local", "/etc/systemd")
    )
    command = ["unshare", "--mount", "--net", "sh", "-c", f"{mounts} && {LINKS} && echo up && exec sleep infinity"]
    machine = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert machine.stdout is not None
    assert machine.stdout.readline() == b"up\n"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec nsenter --target {machine.pid} --mount --net /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    hosts = yaml.safe_load(HOSTS)
    hosts["all"]["children"]["hubs"]["hosts"]["hub1"]["ansible_python_interpreter"] = str(python)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    (tmp_path / "domain.yaml").write_text("version: 1\noverlay: {}\n", encoding="utf-8")
    yield tmp_path
    machine.kill()
    machine.wait()
    machine.stdout.close()


def run(site: Path, *options: str, playbook: str = "status") -> tuple[int, str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SSH_RETRIES": "0"}
    command = [PLAYBOOK, f"playbooks/{playbook}.yml", "-i", str(site / "hosts.yml"), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True, capture_output=True)
    return done.returncode, done.stdout + done.stderr


def told(site: Path, folder: str = "build") -> dict[str, Any]:
    data: dict[str, Any] = json.loads((site / folder / "status.json").read_text(encoding="utf-8"))
    return data


def test_a_host_without_a_plan_and_one_that_is_not_reached_are_told_and_fail_nothing(site: Path) -> None:
    code, output = run(site)
    assert code == 0, output
    data = told(site)
    hub = data["hosts"]["hub1"]
    assert (hub["status"]["state"], hub["health"]) == ("no plan", "down")
    names = {(one["kind"], one["name"], one["state"]) for one in hub["intent"]["differences"]}
    assert {("link", "vxkr1", "missing"), ("file", "/var/lib/weft/plan.json", "missing")} <= names
    assert data["hosts"]["runner1"]["failure"] == "not reached"
    (edge,) = data["connections"]
    assert edge["health"] == "down"
    assert edge["words"][-2:] == [
        "hub1 gets no answer from 10.1.0.1 (Network is unreachable)",
        "runner1 was not reached",
    ]
    assert "\nhub1: intent: link vxkr1: missing\n" in output
    assert "runner1  runner  not reached" in output
    page = (site / "build" / "status.html").read_text(encoding="utf-8")
    assert 'data-node="runner1"' in page
    # No plan and no ledger is left of it.
    assert sorted(path.name for path in (site / "build").iterdir()) == ["status.html", "status.json"]
    assert not (site / "ledger.json").exists()


def test_a_limited_run_says_who_was_not_asked(site: Path) -> None:
    code, output = run(site, "--limit", "hub1", "--skip-tags", "weft_probes", "-e", f"weft_status_dir={site}/web")
    assert code == 0, output
    data = told(site, "web")
    assert data["hosts"]["runner1"]["asked"] is False
    assert data["probes"] == []
    assert "runner1  runner  not asked" in output


def test_a_scheduled_run_fails_where_something_is_not_as_intended(site: Path) -> None:
    code, output = run(site, "-e", "weft_status_fail=true")
    assert code == 2
    assert "site.yml mends what differs" in output
    assert told(site)["healthy"] is False


def within(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command on hub1."""
    enter = (site / "python").read_text(encoding="utf-8").splitlines()[1].split()[1:-2]
    return subprocess.run([*enter, *command], check=False, text=True, capture_output=True)


def test_a_host_is_in_sync_after_a_run_and_its_drift_is_told_apart_from_another_intent(site: Path) -> None:
    code, output = run(site, "--limit", "hub1", playbook="site")
    assert code == 0, output
    limited = ("--limit", "hub1")
    assert run(site, *limited)[0] == 0
    hub = told(site)["hosts"]["hub1"]
    assert (hub["status"]["differences"], hub["intent"]["differences"], hub["health"]) == ([], [], "good")
    assert [(one["what"], one["same"]) for one in told(site)["ledger"]] == [("runner id, as hub1 has it", True)]
    done = within(site, "/usr/local/sbin/weft", "status")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "hub1 (hub): in sync with its plan")

    within(site, "ip", "link", "set", "vxkr1", "mtu", "1300")
    (site / "domain.yaml").write_text("version: 1\noverlay: {port: 4790}\n", encoding="utf-8")
    _code, output = run(site, *limited)
    assert "\nhub1: link vxkr1: differs (mtu 1300, planned 1450)\n" in output
    assert "\nhub1: intent: file /var/lib/weft/plan.json: differs (content)\n" in output
    assert "\nhub1: intent: link vxkr1: differs (port 4789, planned 4790; mtu 1300, planned 1450)\n" in output
    done = within(site, "/usr/local/sbin/weft", "status")
    assert done.returncode == 1
    assert "  link vxkr1: differs (mtu 1300, planned 1450)" in done.stdout.splitlines()
