"""Clients and servers change their addresses in mid-transfer, and a name comes to mean another address."""

from __future__ import annotations

import pytest

from lab import clients, flow, machine, plane, reach, wg
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


class TestAPeerThatKnowsTheRouterByName:
    """peer1 is managed, and its endpoint a name: it is looked up again when the handshake goes stale."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _by_name(cls, inventory):
        for host in ("peer1", "router", "hub"):
            machine.execute(host, "sh", "-c", "echo 198.19.0.1 vpn.lab >> /etc/hosts")
        inventory.edit(lambda intent: intent["interfaces"]["wg0"]["endpoint"].update(host="vpn.lab"))
        run = inventory.site()
        assert run.code == 0, run.output
        yield
        machine.execute("router", "ip", "address", "delete", "198.19.0.7/24", "dev", "wan0")
        for host in ("peer1", "router", "hub"):
            machine.execute(host, "sh", "-c", "sed '/vpn.lab/d' /etc/hosts > /tmp/h; cat /tmp/h > /etc/hosts")

    def _endpoint(self):
        ((_key, peer),) = wg.peers("peer1", "wg0").items()
        return peer.endpoint

    def test_it_connects(self, on):
        assert self._endpoint() == "198.19.0.1:51820"
        on("peer1", "ping -c2 -i0.2 -W1 198.18.0.10")

    def test_it_finds_the_router_at_its_new_address_by_itself(self, on):
        """The router answers at another address, the old one is dead to WireGuard: as after a new lease."""
        on("router", "ip address add 198.19.0.7/24 dev wan0")
        on(
            "router",
            "nft add table inet lease; nft 'add chain inet lease i { type filter hook prerouting priority -400; }'; "
            "nft add rule inet lease i ip daddr 198.19.0.1 udp dport 51820 drop",
        )
        on("peer1", "sed 's/198.19.0.1 vpn.lab/198.19.0.7 vpn.lab/' /etc/hosts > /tmp/h; cat /tmp/h > /etc/hosts")
        try:
            wait_until("another endpoint", lambda: self._endpoint() == "198.19.0.7:51820", 240, pause=1)
            wait_until(
                "a way again", lambda: machine.execute("peer1", "ping", "-c1", "-W1", "198.18.0.10").returncode == 0, 30
            )
        finally:
            on("router", "nft delete table inet lease")

    def test_and_a_run_finds_nothing_to_do_about_it(self, inventory):
        run = inventory.site("--diff")
        assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output
