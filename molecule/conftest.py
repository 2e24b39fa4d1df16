"""What the effects of every scenario do to hosts, and how they see what a host was spared."""

from __future__ import annotations

import pytest

from lab import machine, snapshot


@pytest.fixture
def untouched():
    """Call it with host names first, and what it returns afterwards: that says what was touched, "" for nothing."""

    def take(*names):
        before = snapshot.take_all(*names)
        return lambda: snapshot.differences(before, snapshot.take_all(*names))

    return take


@pytest.fixture
def on():
    """Run a shell command in a host: on("hub", "ip link show"). It must succeed."""

    def run(name, command):
        done = machine.execute(name, "sh", "-c", command)
        assert done.returncode == 0, f"{name}: {command}: {done.stderr}{done.stdout}"
        return done.stdout

    return run
