"""What the stories of this scenario share: runner3 besides, and power."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from lab import host as hosts
from lab import lifecycle, machine
from lab.cache import locked


@pytest.fixture(scope="module")
def third(inventory):
    """runner3 is there, and in no inventory yet."""
    with locked():
        lifecycle.add("runner3", None)
    yield "runner3"
    inventory.drop("runner3")
    with locked():
        lifecycle.remove("runner3")


@pytest.fixture
def without_power():
    """with without_power("runner2"): it is off, and back afterwards."""

    @contextmanager
    def off(name):
        host = hosts.load(name)
        machine.stop(host)
        try:
            yield
        finally:
            machine.start(host)
            machine.wait_ready(host)

    return off


@pytest.fixture
def tunnels(on):
    """Of the hub's tunnels: name → (index, remote)."""

    def look():
        links = json.loads(on("hub", "ip -j -d link show type vxlan"))
        return {link["ifname"]: (link["ifindex"], link["linkinfo"]["info_data"]["remote"]) for link in links if link}

    return look
