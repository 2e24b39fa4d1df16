"""The router is lost and comes back on a new disk, with each firewall there is; its clients do not notice but for the
pause, and find behind it what they may reach, no more and no less."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from lab import clients, lifecycle, machine, plane, wg
from lab import host as hosts
from lab.cache import locked

OTHER = "full7"
ASKING = ("lan1", "lan2", "net1", "net2", "full1", "full2")


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    """Six of them send everything into their tunnels, so that it is the router that decides what they reach."""
    clients.start_all({name: plane.widened(plane.conf(name)) for name in ASKING})
    plane.ensure(*plane.ON_ROUTER, "bench1")
    yield
    plane.start(*ASKING)


def _wipe(flavour):
    with locked():
        lifecycle.wipe(hosts.with_firewall(hosts.load("router"), flavour))
    assert machine.execute("router", "test", "-e", "/var/lib/weft").returncode != 0


def _public():
    return machine.execute("router", "wg", "show", "wg0", "public-key").stdout.strip()


@contextmanager
def _calling():
    """The router's clients, those behind it and the managed peer try all the time, and get through in the end."""
    script = "ping -c1 -w120 198.18.0.10 && ping -c1 -w120 fd00:18::10"
    with ThreadPoolExecutor(max_workers=1) as pool, plane.calling(*plane.ON_ROUTER, "bench1"):
        job = pool.submit(machine.execute, "peer1", "sh", "-c", script)
        yield
        assert job.result().returncode == 0
    assert plane.faults(ASKING, OTHER) == []


def _nothing_left_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output


@pytest.mark.fault("F20")
@pytest.mark.parametrize("flavour", ["iptables-nft", "iptables-legacy", "firewalld"])
def test_every_old_client_works_again_with_a_router_that_has(inventory, flavour):
    before, files = _public(), plane.confs(plane.ON_ROUTER)
    _wipe(flavour)
    with _calling():
        run = inventory.play("recover", "-e", "target=router")
        assert run.code == 0, run.output
    assert _public() == before
    assert plane.confs(plane.ON_ROUTER) == files
    _nothing_left_to_do(inventory)


@pytest.mark.fault("F21")
def test_reloads_and_restarts_of_firewalld_change_nothing_of_it(on):
    assert hosts.load("router").firewall == "firewalld"
    for step in ("firewall-cmd --quiet --reload", "systemctl restart firewalld"):
        with _calling():
            on("router", step)


def test_the_plane_is_back_after_a_reboot_without_a_run(inventory):
    with _calling():
        machine.reboot(hosts.load("router"))
    _nothing_left_to_do(inventory)


def test_without_a_kept_identity_the_router_has_a_new_key_and_every_client_a_new_file(inventory):
    """And it is said whose files are to be handed out again."""
    inventory.edit(lambda intent: intent["store"].update(identity=False))
    assert inventory.site().code == 0
    before, files = _public(), plane.confs(plane.ON_ROUTER)
    _wipe("none")
    refused = inventory.site()
    assert refused.code != 0
    assert "-e weft_new_keys=router" in refused.output
    assert machine.execute("router", "test", "-e", "/var/lib/weft").returncode != 0
    run = inventory.play("recover", "-e", "target=router")
    assert run.code == 0, run.output
    assert _public() != before
    for name, text in plane.confs(plane.ON_ROUTER).items():
        assert wg.setting(text, "Address") == wg.setting(files[name], "Address"), name
        assert wg.setting(text, "PublicKey") == [_public()]
    (told,) = [line for line in run.output.splitlines() if "router has other keys than before" in line]
    assert [name for name in plane.ON_ROUTER if name not in told.replace(",", " ").split()] == []
    plane.start(*plane.ON_ROUTER)
