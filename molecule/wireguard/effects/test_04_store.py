"""The NAS keeps intent and artefacts; it may be down, damaged or new, and nobody's tunnel depends on it."""

from __future__ import annotations

import json

import pytest

from lab import clients, lifecycle, machine, plane, reach
from lab import host as hosts
from lab.cache import locked

STORE = "/srv/weft"
NOW = f"{STORE}/current"
FROM_NAS = ("-e", "weft_domain_from=nas")


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    plane.ensure("full1", "lan1", *plane.ON_NAS)
    plane.shake("full1", "lan1", *plane.ON_NAS)


def _generations(on):
    """Of each generation what its manifest says besides the files, the oldest first."""
    texts = on("nas1", f"cd {STORE}/generations && ls | sort -n | xargs -n1 cat; echo").split("\n}\n")
    return [{k: v for k, v in json.loads(text + "\n}").items() if k != "files"} for text in texts if text.strip()]


def test_what_is_stored_is_what_the_hosts_have(on):
    for name in ("full1", "lan1", "bench1"):
        stored = on("nas1", f"cat {NOW}/clients/{plane.server_of(name)}/{name}/{name}.conf")
        assert stored == plane.conf(name)


def test_a_change_is_a_generation_with_who_when_and_which_hash_and_no_change_is_none(inventory, on):
    before = _generations(on)
    assert inventory.site().code == 0
    assert _generations(on) == before
    inventory.edit(lambda intent: intent["clients"]["lan1"].update(owner="somebody else"))
    run = inventory.site()
    assert run.code == 0, run.output
    after = _generations(on)
    assert len(after) == len(before) + 1 or after[0] != before[0]
    assert "somebody else" in on("nas1", f"cat {NOW}/domain.yaml")
    told = inventory.play("history", "-e", "server=nas1")
    assert told.code == 0, told.output
    assert "root" in told.output


class TestWhileTheNasIsDown:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _down(cls, inventory):
        machine.stop(hosts.load("nas1"), graceful=False)
        yield
        machine.start(hosts.load("nas1"))
        machine.wait_ready(hosts.load("nas1"))

    def test_the_router_is_served_and_it_is_said_what_could_not_be_stored(self, inventory):
        inventory.edit(lambda intent: intent["clients"].update(late1={"interface": "wg0", "profile": "full"}))
        run = inventory.site()
        assert "router" in run.busy()
        assert run.unreachable["nas1"] == 1
        assert "not stored" in run.output.lower() or "could not be stored" in run.output.lower(), run.output
        plane.start("late1")
        assert reach.probe("late1", reach.destinations()["internet"], "ipv4", "icmp")

    def test_a_run_that_is_limited_to_another_host_does_its_work_there(self, inventory):
        run = inventory.site("--limit", "runner1")
        assert (run.code, run.busy()) == (0, set()), run.output
        assert "nas1 was not reached" in run.output

    @pytest.mark.fault("F31")
    def test_a_run_whose_intent_is_on_the_nas_stops_before_any_host_is_touched(self, inventory, untouched):
        touched = untouched("router", "hub", "peer1")
        run = inventory.site(*FROM_NAS)
        assert run.code != 0
        assert run.busy() == set()
        assert "No host was touched" in run.output
        assert touched() == ""


def test_what_could_not_be_stored_is_stored_by_the_next_run(inventory, on):
    assert "late1" not in on("nas1", f"ls {NOW}/clients/router")
    with plane.calling(*plane.ON_NAS):
        run = inventory.site()
        assert run.code == 0, run.output
    assert on("nas1", f"cat {NOW}/clients/router/late1/late1.conf") == plane.conf("late1")
    clients.stop("late1")


@pytest.mark.fault("F31")
def test_an_empty_mount_point_is_no_empty_intent(inventory, on, untouched):
    on("nas1", f"mount -t tmpfs none {STORE}")
    touched = untouched("router", "hub", "peer1")
    try:
        run = inventory.site(*FROM_NAS)
    finally:
        on("nas1", f"umount {STORE}")
    assert run.code != 0
    assert touched() == ""


def test_the_intent_of_the_nas_is_used_where_that_is_asked_for(inventory):
    """The controller's own file says something else, and is not read."""
    inventory.edit(lambda intent: intent["clients"].update(wrong1={"interface": "wg0", "profile": "full"}))
    run = inventory.site(*FROM_NAS)
    assert (run.code, run.busy()) == (0, set()), run.output
    inventory.edit(lambda intent: intent["clients"].pop("wrong1"))


def test_a_client_is_added_to_the_intent_of_the_nas_and_the_controllers_file_is_left_alone(inventory, on):
    mine = inventory.files()["domain.yaml"]
    run = inventory.play("client", *FROM_NAS, "-e", "add=far1", "-e", "interface=wg0", "-e", "profile=full")
    assert run.code == 0, run.output
    assert "far1" in on("nas1", f"cat {NOW}/domain.yaml")
    plane.start("far1")
    assert reach.probe("far1", reach.destinations()["lan"], "ipv6", "tcp")
    clients.stop("far1")
    run = inventory.play("client", *FROM_NAS, "-e", "revoke=far1")
    assert run.code == 0, run.output
    assert "far1" not in on("nas1", f"cat {NOW}/domain.yaml")
    assert inventory.files()["domain.yaml"] == mine


@pytest.mark.fault("F32")
def test_damage_is_noticed_told_and_mended(inventory, on):
    """A client's file on the router that was cut, and one in the store."""
    path, before = "/var/lib/weft/clients/lan1/lan1.conf", plane.conf("lan1")
    stored = on("nas1", f"readlink -f {NOW}/clients/router/full1/full1.conf").strip()
    on("router", f"truncate -s 200 {path}")
    on("nas1", f"truncate -s 10 {stored}")
    told = inventory.play("history", "-e", "server=nas1")
    assert told.code != 0
    assert "full1.conf" in told.output
    run = inventory.site()
    assert run.code == 0, run.output
    assert plane.conf("lan1") == before
    assert on("nas1", f"cat {NOW}/clients/router/full1/full1.conf") == plane.conf("full1")
    assert inventory.play("history", "-e", "server=nas1").code == 0
    plane.shake("lan1", "full1")


def test_a_nas_on_a_new_disk_gets_everything_back(inventory, on):
    """Intent, ledger and artefacts from the controller and the router: every old client works again."""
    files = plane.confs(plane.ON_NAS)
    with locked():
        lifecycle.wipe(hosts.load("nas1"))
    with plane.calling(*plane.ON_NAS):
        run = inventory.play("recover", "-e", "target=nas1")
        assert run.code == 0, run.output
    assert plane.confs(plane.ON_NAS) == files
    plane.shake("full1", "lan1")
    for name in ("full1", "bench1"):
        assert on("nas1", f"cat {NOW}/clients/{plane.server_of(name)}/{name}/{name}.conf") == plane.conf(name)
    again = inventory.site("--diff")
    assert (again.code, again.busy(), again.diffs()) == (0, set(), {}), again.output
