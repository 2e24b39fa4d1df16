"""Clients change their addresses in mid-transfer, and the server learns of it from their packets alone."""

from __future__ import annotations

import pytest

from lab import clients, flow, plane, reach, wg
from lab.shell import wait_until


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    reach.serve()
    plane.start("full1", "lan1", "bench1")


@pytest.mark.parametrize(
    ("name", "target"), [("full1", "198.18.0.2"), ("lan1", "fd00:18::2"), ("bench1", "198.18.0.2")]
)
def test_a_transfer_goes_on_when_the_client_changes_its_network(name, target):
    host, link = plane.server_of(name), "wg0" if name not in plane.ON_NAS else "wg1"
    key = clients.public_key(name)
    here, there = clients.address(name), f"198.19.2.{100 + len(name)}"
    with flow.pings(name, target) as accounts, flow.transfer(name, target, 20, rate=5) as deliveries:
        wait_until("the transfer to flow", lambda: wg.peers(host, link)[key].sent > 2_000_000, 10)
        clients.move(name, there)
        wait_until("half of it", lambda: wg.peers(host, link)[key].sent > 10_000_000, 20)
        clients.move(name, here)
    assert deliveries[0].whole
    assert accounts[0].silence < 2
    assert len(accounts[0].lost) < 150
    if host == "router":
        assert wg.peers(host, link)[key].endpoint.startswith(here + ":")
