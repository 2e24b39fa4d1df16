# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbook of the explain door: from domain.yaml to an answer, without a host, a plan or a ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.compile.policy.answers import DOMAIN

ROOT = Path(__file__).parents[3]
PLAYBOOK = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/explain.yml"]
# Nobody is at this address (RFC 5737); whoever connected there would wait for ever.
HOSTS = "all: {children: {hubs: {hosts: {hub1: {ansible_host: 192.0.2.1}}}}}\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yml").write_text(HOSTS, encoding="utf-8")
    (tmp_path / "domain.yaml").write_text(DOMAIN + "overlay: {}\n", encoding="utf-8")
    return tmp_path


def ask(site: Path, **said: object) -> tuple[int, list[str]]:
    """(exit code, all that it printed)."""
    given = [word for name, value in said.items() for word in ("-e", f"weft_{name}={value}")]
    command = [*PLAYBOOK, "-i", str(site / "hosts.yml"), *given]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.returncode, done.stdout.splitlines()


def test_a_question_has_one_readable_answer_and_leaves_no_trace(site: Path) -> None:
    code, lines = ask(site, **{"from": "api", "to": "db", "protocol": "TCP", "port": 5432})
    rules = "policies.db-in.ingress[0], and by policies.web-out.egress[0]"
    assert f"api (prod) → db (prod), TCP 5432: allowed by {rules}" in lines
    assert code == 0
    assert sorted(path.name for path in site.iterdir()) == ["domain.yaml", "hosts.yml"]


def test_a_denial_says_whose_permission_is_missing(site: Path) -> None:
    _code, lines = ask(site, **{"from": "web", "to": "api", "protocol": "TCP", "port": 80})
    why = "no rule of api's ingress allows it (policies that select api: api-in)"
    assert f"web (prod) → api (prod), TCP 80: denied: {why}" in lines


def test_types_of_messages_and_addresses_are_asked_about_too(site: Path) -> None:
    _code, lines = ask(site, **{"from": "198.51.100.7", "to": "db", "protocol": "ICMP", "type": 8})
    ends = "198.51.100.7 in 198.51.100.0/24 (prod) → db (prod)"
    assert f"{ends}, ICMP type 8: allowed by policies.db-more.ingress[0]" in lines


def test_ports_are_asked_about_between_all_peers(site: Path) -> None:
    _code, lines = ask(site, ports="TCP/443,ICMP/8", peers="api,web")
    first = lines.index("TCP 443")
    assert lines[first : first + 6] == [
        "TCP 443",
        "",
        "| from ↓ to → | api   | web |",
        "| ----------- | ----- | --- |",
        "| api         | ·     | ·   |",
        "| web         | allow | ·   |",
    ]
    assert "ICMP type 8" in lines


def test_who_is_nobody_fails_with_who_may_be_meant(site: Path) -> None:
    code, lines = ask(site, **{"from": "apj", "to": "db", "protocol": "TCP", "port": 5432})
    assert code == 2
    assert "from: apj is not below `peers`; did you mean api?" in "\n".join(lines)


def test_without_networks_there_is_nothing_to_ask(site: Path) -> None:
    (site / "domain.yaml").write_text("version: 1\noverlay: {}\n", encoding="utf-8")
    code, lines = ask(site, **{"from": "api", "to": "db", "protocol": "TCP", "port": 5432})
    assert code == 2
    assert "policy.json is not there: the intent has no networks" in "\n".join(lines)
