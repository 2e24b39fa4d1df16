"""The router is lost and comes back on a new disk, with each firewall there is; its clients do not notice but for the
pause, and find behind it what they may reach, no more and no less."""

from __future__ import annotations

import pytest

from lab import clients, lifecycle, machine, plane, wg
from lab import host as hosts
from lab.cache import locked

OTHER = "full7"
ASKING = ("lan1", "lan2", "net1", "net2", "full1", "full2")


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    plane.ensure(*plane.ON_ROUTER, "bench1")


def _wipe(flavour):
    with locked():
        lifecycle.wipe(hosts.with_firewall(hosts.load("router"), flavour))
    assert machine.execute("router", "test", "-e", "/var/lib/weft").returncode != 0


def _public(host="router"):
    return machine.execute(host, "wg", "show", "wg0", "public-key").stdout.strip()


@pytest.mark.parametrize("flavour", ["firewalld", "iptables-nft", "iptables-legacy", "none"])
def test_every_old_client_works_again_on_a_router(inventory, flavour):
    before, files = _public(), plane.confs(plane.ON_ROUTER)
    _wipe(flavour)
    run = inventory.play("recover", "-e", "target=router")
    assert run.code == 0, run.output
    assert _public() == before
    assert plane.confs(plane.ON_ROUTER) == files
    plane.shake(*plane.ON_ROUTER, "bench1")
    with plane.sending_everything(*ASKING):
        assert plane.faults(ASKING, OTHER) == []
    assert machine.execute("peer1", "ping", "-c2", "-i0.2", "-W1", "fd00:18::10").returncode == 0
    again = inventory.site("--diff")
    assert (again.code, again.busy(), again.diffs()) == (0, set(), {}), again.output


@pytest.mark.parametrize("step", ["firewall-cmd --quiet --reload", "systemctl restart firewalld"])
def test_the_truth_table_survives_firewalld(inventory, on, step):
    if hosts.load("router").firewall != "firewalld":
        _wipe("firewalld")
        assert inventory.play("recover", "-e", "target=router").code == 0
    on("router", step)
    plane.shake(*plane.ON_ROUTER)
    with plane.sending_everything(*ASKING):
        assert plane.faults(ASKING, OTHER) == []


def test_the_plane_is_back_after_a_reboot_without_a_run(inventory):
    machine.reboot(hosts.load("router"))
    plane.shake(*plane.ON_ROUTER)
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output


def test_without_a_kept_identity_the_router_has_a_new_key_and_every_client_a_new_file(inventory):
    inventory.edit(lambda intent: intent["store"].update(identity=False))
    assert inventory.site().code == 0
    before, files = _public(), plane.confs(plane.ON_ROUTER)
    _wipe("none")
    run = inventory.play("recover", "-e", "target=router")
    assert run.code == 0, run.output
    assert _public() != before
    for name, text in plane.confs(plane.ON_ROUTER).items():
        assert wg.setting(text, "Address") == wg.setting(files[name], "Address"), name
        assert wg.setting(text, "PublicKey") == [_public()]
        assert name in run.output
    plane.start(*plane.ON_ROUTER)
    assert clients.running().keys() >= set(plane.ON_ROUTER)
