"""A managed peer knows the router by a name: it is looked up again when the handshake goes stale, without a run."""

from __future__ import annotations

import pytest

from lab import machine, plane, wg
from lab.shell import wait_until

OLD, NEW = "198.19.0.1", "198.19.0.7"
# Only what this peer sends to the old address is lost, as if the lease were somebody else's now.
LEASE = (
    "nft add table inet lease",
    "nft add chain inet lease early '{ type filter hook prerouting priority -400; }'",
    f"nft add rule inet lease early ip saddr 198.19.0.50 ip daddr {OLD} udp dport 51820 drop",
    f"ip address add {NEW}/24 dev wan0",
)
STALE = 135  # seconds; wg keeps a session for 180


@pytest.fixture(scope="module")
def inventory():
    mine = plane.inventory()
    machine.execute("peer1", "sh", "-c", f"echo {OLD} vpn.lab >> /etc/hosts")
    mine.edit(lambda intent: intent["interfaces"]["wg0"]["endpoint"].update(host="vpn.lab"))
    run = mine.site("-e", "weft_resolve=false")
    assert run.code == 0, run.output
    yield mine
    machine.execute("router", "sh", "-c", f"nft delete table inet lease; ip address delete {NEW}/24 dev wan0")
    machine.execute("peer1", "sh", "-c", "sed '/vpn.lab/d' /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts")
    mine.restore()
    assert mine.site().code == 0


def _endpoint():
    (peer,) = wg.peers("peer1", "wg0").values()
    return peer.endpoint


def _reaches_the_lan():
    return machine.execute("peer1", "ping", "-c2", "-i0.2", "-W1", "198.18.0.10").returncode == 0


def test_it_connects_by_the_name(inventory):
    assert _endpoint() == f"{OLD}:51820"
    assert _reaches_the_lan()


def test_it_finds_the_router_at_its_new_address_by_itself(inventory):
    for command in LEASE:
        machine.execute("router", "sh", "-c", command)
    assert (
        machine.execute(
            "peer1", "sh", "-c", f"sed 's/{OLD} vpn/{NEW} vpn/' /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts"
        ).returncode
        == 0
    )
    wait_until("another endpoint", lambda: _endpoint() == f"{NEW}:51820", STALE + 45, pause=1)
    wait_until("the LAN", _reaches_the_lan, 15)


def test_and_a_run_finds_nothing_to_do_about_it(inventory):
    run = inventory.site("--diff", "-e", "weft_resolve=false")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output
