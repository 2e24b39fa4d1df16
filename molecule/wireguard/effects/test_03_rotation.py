"""Keys change while traffic runs: of a managed peer, of one client, of the router itself."""

from __future__ import annotations

import pytest

from lab import clients, flow, machine, plane, reach, wg

# What a handshake may take; WireGuard repeats a lost one after 5 s.
ONE_HANDSHAKE = 6.0


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    reach.serve()
    plane.start("full1", "full2", "lan1", "bench1")


def _public(host, link="wg0"):
    return machine.execute(host, "wg", "show", link, "public-key").stdout.strip()


def test_a_managed_peer_changes_its_key_under_traffic(inventory, sessions):
    before = _public("peer1")
    others = sessions("router", "wg0")
    with flow.pings("peer1", "198.18.0.10") as four, flow.pings("peer1", "fd00:18::2") as six:
        run = inventory.play("rotate", "-e", "target=peer1")
    assert run.code == 0, run.output
    after = _public("peer1")
    assert after != before
    assert max(four[0].silence, six[0].silence) < ONE_HANDSHAKE
    assert others() == {before, after}
    peers = wg.peers("router", "wg0")
    assert before not in peers
    assert peers[after].preshared
    assert peers[after].handshake


def test_a_client_that_is_renewed_uses_its_old_key_until_it_has_the_new_one(inventory, sessions):
    old = plane.conf("full1")
    others = sessions("router", "wg0")
    before = clients.public_key("full1")
    with flow.pings("full1", "198.18.0.2") as accounts:
        run = inventory.play("client", "-e", "renew=full1", "-e", "new_key=true")
    assert run.code == 0, run.output
    assert accounts[0].lost == ()
    new = plane.conf("full1")
    assert wg.setting(new, "PrivateKey") != wg.setting(old, "PrivateKey")
    assert wg.setting(new, "Address") == wg.setting(old, "Address")
    plane.start("full1")
    after = clients.public_key("full1")
    assert others() == {before, after}
    reach.probe("full1", reach.destinations()["nas"], "ipv6", "tcp")
    assert inventory.site().code == 0
    assert before not in wg.peers("router", "wg0")
    assert reach.probe("full1", reach.destinations()["nas"], "ipv4", "tcp")


def test_that_clients_lose_access_by_a_rotation_has_to_be_meant(inventory, untouched):
    touched = untouched("router", "nas1", "peer1")
    run = inventory.play("rotate", "-e", "target=router")
    assert run.code != 0
    assert "cut_clients" in run.output
    assert "full1" in run.output
    assert touched() == ""


def test_the_router_changes_its_key_and_the_managed_peer_hardly_notices(inventory):
    before, old = _public("router"), plane.conf("full2")
    with flow.pings("peer1", "198.18.0.10") as accounts:
        run = inventory.play("rotate", "-e", "target=router", "-e", "cut_clients=true")
    assert run.code == 0, run.output
    after = _public("router")
    assert after != before
    assert accounts[0].silence < ONE_HANDSHAKE
    new = plane.conf("full2")
    assert wg.setting(new, "PublicKey") == [after]
    for key in ("PrivateKey", "Address", "PresharedKey"):
        assert wg.setting(new, key) == wg.setting(old, key)
    # All of them, also those that nobody looks at here: with their old files they are nobody by now.
    plane.start(*plane.ON_ROUTER)


def test_other_servers_were_not_concerned():
    plane.shake("bench1")


def test_after_all_of_it_a_run_finds_nothing_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output
