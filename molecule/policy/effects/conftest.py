"""Every effect file starts from a lab that is up and the policies of inventory/domain.yaml, and leaves it so."""

from __future__ import annotations

import pytest

from lab import machine, tenants


@pytest.fixture(scope="module")
def inventory():
    """The inventory of the scenario, hosts as it says; a file may change it, and it is as before then."""
    mine = tenants.inventory()
    began = mine.site()
    assert began.code == 0, began.output
    yield mine
    mine.restore()
    ended = mine.site()
    assert ended.code == 0, ended.output


@pytest.fixture
def on():
    """Run a shell command in a host: on("hub", "tc filter show"). It must succeed."""

    def run(name, command):
        done = machine.execute(name, "sh", "-c", command)
        assert done.returncode == 0, f"{name}: {command}: {done.stderr}{done.stdout}"
        return done.stdout

    return run
