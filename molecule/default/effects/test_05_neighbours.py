"""firewalld and Docker restart, reload and are restarted, in any order: everything still works, without a run."""

from __future__ import annotations

import pytest

from lab import host as hosts
from lab import lifecycle, traffic
from lab.cache import locked

POLICY = "iptables -P FORWARD DROP"
RUNNERS = ("runner1", "runner2", "runner3")
RELOAD = "firewall-cmd --quiet --reload"
FIREWALLD = "systemctl restart firewalld"
DOCKER = "systemctl reset-failed docker; systemctl restart docker"


@pytest.fixture(scope="module", autouse=True)
def _third(inventory):
    with locked():
        lifecycle.add("runner3", None)
    inventory.put("runner3")
    run = inventory.site()
    assert run.code == 0, run.output
    yield
    inventory.drop("runner3")
    with locked():
        lifecycle.remove("runner3")


def _nothing_left_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output


@pytest.mark.fault("F21", "F22")
@pytest.mark.parametrize(
    "steps",
    [(RELOAD,), (FIREWALLD,), (DOCKER,), (DOCKER, RELOAD), (RELOAD, DOCKER), (FIREWALLD, DOCKER, RELOAD)],
    ids=["reload", "firewalld", "docker", "docker_reload", "reload_docker", "firewalld_docker_reload"],
)
def test_a_runner_with_firewalld_survives(on, steps):
    for step in steps:
        on("runner1", step)
    assert traffic.settled(RUNNERS) == []


@pytest.mark.fault("F21")
@pytest.mark.parametrize("steps", [(RELOAD,), (FIREWALLD, RELOAD)], ids=["reload", "firewalld_reload"])
def test_the_hub_survives(on, steps):
    for step in steps:
        on("hub", step)
    assert traffic.settled(RUNNERS) == []


@pytest.mark.fault("F22")
@pytest.mark.parametrize("runner", ["runner2", "runner3"], ids=["iptables_nft", "iptables_legacy"])
def test_a_runner_without_firewalld_survives_a_restart_of_docker(on, runner):
    on(runner, DOCKER)
    assert traffic.settled(RUNNERS) == []


def test_after_all_of_it_a_run_finds_nothing_to_do(inventory):
    _nothing_left_to_do(inventory)


class TestAHubThatRunsDockerToo:
    """Where Docker is there first it is Docker that switches forwarding on, and then sets the policy to DROP."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _docker(cls, inventory):
        traffic.must("hub", "systemctl", "start", "docker")
        yield
        for command in (
            "systemctl stop docker docker.socket containerd",
            "for t in filter nat; do iptables -t $t -F; iptables -t $t -X; done; iptables -P FORWARD ACCEPT",
            "ip link del docker0; rm -rf /var/lib/docker",
            RELOAD,
        ):
            traffic.must("hub", "sh", "-c", command)

    @pytest.mark.parametrize(
        "steps",
        [(), (RELOAD,), (DOCKER,), (FIREWALLD,), (FIREWALLD, DOCKER)],
        ids=["started", "reload", "docker", "firewalld", "firewalld_docker"],
    )
    def test_still_forwards(self, on, steps):
        for step in steps:
            on("hub", step)
        on("hub", POLICY)
        assert traffic.settled(RUNNERS) == []

    def test_is_left_as_it_is_by_a_run(self, inventory):
        _nothing_left_to_do(inventory)


def test_a_bridge_that_docker_made_in_place_of_ours_is_taken_back(inventory, on):
    """Docker makes a network's bridge itself where it is missing; the network's label says whose it is."""
    on("runner2", "ip link del kohaku-overlay; " + DOCKER)
    assert "weft" not in on("runner2", "ip link show kohaku-overlay")
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"runner2"}), run.output
    assert traffic.settled(RUNNERS) == []
    _nothing_left_to_do(inventory)


def test_a_hub_on_a_new_disk_and_without_firewalld_gets_every_tunnel_back(inventory, on, untouched):
    """Fresh disk, other firewall, lost ledger: the numbers are the ones that the runners know."""
    touched = untouched(*RUNNERS)
    with locked():
        lifecycle.wipe(hosts.with_firewall(hosts.load("hub"), "iptables-nft"))
    inventory.forget()
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert touched() == ""
    assert inventory.ids() == {"runner1": 1, "runner2": 2, "runner3": 3}
    assert "-A WEFT-FORWARD" in on("hub", "iptables-nft-save")
    assert traffic.settled(RUNNERS) == []
    _nothing_left_to_do(inventory)


def test_a_hub_on_iptables_with_docker_still_forwards(inventory, on):
    on("hub", "systemctl start docker; " + POLICY)
    assert traffic.settled(RUNNERS) == []
    on("hub", DOCKER)
    assert traffic.settled(RUNNERS) == []
    _nothing_left_to_do(inventory)


def test_a_hub_with_firewalld_on_a_new_disk_again(inventory):
    with locked():
        lifecycle.wipe(hosts.with_firewall(hosts.load("hub"), "firewalld"))
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert traffic.settled(RUNNERS) == []
    _nothing_left_to_do(inventory)
