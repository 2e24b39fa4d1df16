# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Virtual machines with Debian's own kernel: a hub with firewalld, a runner with iptables, a router with WireGuard.

What a machine says is recorded; the tests read the record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from tests.kernel.look import Look, look
from tests.kernel.machine import Record, run_machine
from tests.kernel.plans import plans, stored
from tests.kernel.steps import FIREWALLD_AT_BOOT, HUB, RUNNER
from tests.kernel.tunnels import AGAIN, STEPS, router

FIGURES: list[str] = []


class Machine(NamedTuple):
    plan: HostPlan
    said: Record

    def look(self, moment: str) -> Look:
        return look(self.said[f"{moment}: look"].json())


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    plan = plans()["hub"]
    return _machine(plan, *run_machine(_folder(tmp_path_factory), {**stored(plan), **FIREWALLD_AT_BOOT}, HUB))


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    plan = plans()["runner1"]
    return _machine(plan, *run_machine(_folder(tmp_path_factory), stored(plan), RUNNER))


@pytest.fixture(scope="session")
def boots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Machine]:
    """A router with WireGuard, and the same one after a reboot."""
    plan, files = router()
    first, second = run_machine(_folder(tmp_path_factory), files, STEPS, AGAIN)
    return _machine(plan, first), Machine(plan, second)


@pytest.fixture(params=["hub", "runner"])
def machine(request: pytest.FixtureRequest) -> Machine:
    """Either of both."""
    found: Machine = request.getfixturevalue(request.param)
    return found


def _folder(factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0:
        pytest.fail("the disks are made as root")
    return factory.mktemp("machine")


def _machine(plan: HostPlan, said: Record) -> Machine:
    up = float(said["uptime"].out.split()[0])
    versions = ", ".join(str(value) for value in said["versions"].json().values())
    FIGURES.append(f"{plan.host}: booted in {up:.0f} s, done in {said.seconds:.0f} s ({versions})")
    return Machine(plan, said)


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    for line in FIGURES:
        terminalreporter.write_line(line)
