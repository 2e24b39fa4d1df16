"""Every effect file starts from a lab that is up and the domain of scenario policy, and leaves it so."""

from __future__ import annotations

import json
import time

import pytest

from lab import machine, runs, tenants
from lab.shell import wait_until


class Domain:
    """The inventory, and what its status says."""

    def __init__(self) -> None:
        self.mine = tenants.inventory()

    def site(self) -> None:
        done = self.mine.site()
        assert done.code == 0, done.output

    def status(self, *options: str) -> dict:
        """status.json of a run now; the run itself never fails."""
        done = runs.playbook("status", self.mine.folder, *options)
        assert done.code == 0, done.output
        self.output = done.output
        with open(self.mine.path("build/status.json"), encoding="utf-8") as file:
            return json.load(file)

    @staticmethod
    def differences(status, host, against="status"):
        """The lines in which a host differs from its plan, or from the intent."""
        return {
            f"{one['kind']} {one['name']}".rstrip()
            + f": {one['state']}"
            + (f" ({one['detail']})" if one["detail"] else "")
            for one in status["hosts"][host][against]["differences"]
        }

    def here(self, host: str) -> list[str]:
        """What `weft status` says on a host that is not in sync."""
        done = machine.execute(host, "weft", "status")
        assert done.returncode == 1, done.stdout + done.stderr
        return [line.strip() for line in done.stdout.splitlines()]

    def in_sync(self) -> bool:
        """Whether every host says so itself; services that were just started may need a moment."""
        return all(machine.execute(host, "weft", "status").returncode == 0 for host in tenants.MEMBERS)

    def settled(self) -> None:
        wait_until("every host to say that it is in sync", self.in_sync, 60, pause=1)


@pytest.fixture(scope="module")
def domain():
    found = Domain()
    found.site()
    # The collector begins anew some time after the first run, when it finds the store that was made there.
    for _look in range(10):
        found.settled()
        time.sleep(1)
    yield found
    found.site()
