"""Every effect file starts from a lab that is up and the plane of inventory/domain.yaml, and leaves it so."""

from __future__ import annotations

import pytest

from lab import machine, plane, snapshot, wg


@pytest.fixture(scope="module")
def inventory():
    """The inventory of the scenario, the plane standing as it says; a file may change it, and it is as before then."""
    mine = plane.inventory()
    mine.restore()
    began = mine.site()
    assert began.code == 0, began.output
    yield mine
    mine.restore()
    ended = mine.site()
    assert ended.code == 0, ended.output


@pytest.fixture
def untouched():
    """Call it with host names first, and what it returns afterwards: that says what was touched, "" for nothing."""

    def take(*names):
        before = snapshot.take_all(*names)
        return lambda: snapshot.differences(before, snapshot.take_all(*names))

    return take


@pytest.fixture
def on():
    """Run a shell command in a host: on("router", "wg show"). It must succeed."""

    def run(name, command):
        done = machine.execute(name, "sh", "-c", command)
        assert done.returncode == 0, f"{name}: {command}: {done.stderr}{done.stdout}"
        return done.stdout

    return run


@pytest.fixture
def sessions():
    """Call it first, and what it returns afterwards: public keys of the peers of a device whose session is not the
    one that it was, or whose key, address or preshared key is another."""

    def take(host, link):
        before = wg.peers(host, link)

        def changed():
            after = wg.peers(host, link)
            moving = {"received": 0, "sent": 0, "endpoint": ""}
            return {
                key
                for key in {*before, *after}
                if key not in before
                or key not in after
                or before[key]._replace(**moving) != after[key]._replace(**moving)
            }

        return changed

    return take
