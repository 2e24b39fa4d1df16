"""What no flow between containers may notice: not one packet of it is lost, and none that is forbidden arrives."""

from __future__ import annotations

import pytest

from lab import flow, lifecycle, machine, matrix, tenants, traffic
from lab import host as hosts
from lab.cache import locked
from lab.shell import wait_until
from lab.unnoticed import PAUSE, Forbidden, unnoticed

ICMP = [{"ports": [{"protocol": "ICMP"}]}]
PAIRS = {"namespace": "app", "select": {}, "ingress": ICMP, "egress": ICMP}
# Through the hub, between runners of every firewall: two flows of one tenant's, by a rule, and one of the other's.
FLOWS = (("app1", "app3"), ("app3", "app2"), ("trial1", "trial2"))
FORBIDDEN = ("web1", "web2")
RELOAD = "firewall-cmd --quiet --reload"
LIVE_RESTORE = """echo '{"live-restore": true}' > /etc/docker/daemon.json; systemctl reload docker"""
# What people do to hosts by hand, and a run takes back; none of it is in the way of the flows.
DRIFT = {
    "hub": "nft add rule inet weft_overlay scope_guard counter",
    "runner1": "echo '# by hand' >> /etc/systemd/system/weft-audit.service",
    "runner2": "iptables -A WEFT-FORWARD -j RETURN",
    "runner3": "iptables -A WEFT-FORWARD -j RETURN",
    "router": "echo '# by hand' >> /etc/systemd/system/weft-watch.service",
    "nas1": "systemctl stop weft-collect",
}


@pytest.fixture(scope="module")
def inventory():
    """The scenario's, with policies that allow the flows and little else; containers outlive Docker."""
    mine = tenants.inventory()
    mine.edit(lambda intent: intent.update(tests=[], policies={**intent["policies"], "app": PAIRS}))
    _site(mine)
    # From the first boot with weft on, forwarding is on before Docker starts: see the last test.
    machine.reboot(hosts.load("runner1"))
    for runner in tenants.RUNNERS:
        traffic.must(runner, "sh", "-c", LIVE_RESTORE)
        wait_until(f"live-restore on {runner}", lambda at=runner: _restores(at), 10)
    yield mine
    for runner in tenants.RUNNERS:
        traffic.must(runner, "sh", "-c", "rm /etc/docker/daemon.json; systemctl reload docker")
    mine.restore()
    _site(mine)


@pytest.fixture(scope="module")
def containers(inventory):
    found = tenants.parties({**tenants.CONTAINERS, **tenants.TRIALS})
    matrix.everybody_answers(found, tenants.PORTS)
    return {party.name: party for party in found}


@pytest.fixture(scope="module")
def fourth():
    """A runner that weft does not know yet."""
    with locked():
        lifecycle.add("runner4", None)
    yield "runner4"
    with locked():
        lifecycle.remove("runner4")


def _restores(runner):
    return traffic.must(runner, "docker", "info", "-f", "{{.LiveRestoreEnabled}}").strip() == "true"


def _site(mine):
    run = mine.site()
    assert run.code == 0, run.output
    return run


@pytest.fixture
def through(containers):
    """Everything, with nothing lost and nothing let through that is forbidden."""
    source, target = (containers[name] for name in FORBIDDEN)
    flows = {f"{one} to {other}": (containers[one], containers[other].address) for one, other in FLOWS}
    return lambda: unnoticed(flows, tenants.MEMBERS, Forbidden(source, target, "runner2"))


@pytest.mark.fault("F01")
def test_a_run_that_changes_nothing(inventory, through):
    with through():
        assert _site(inventory).busy() == set()


def test_a_repair_of_something_else(inventory, through, on):
    with through():
        for host, command in DRIFT.items():
            on(host, command)
        assert _site(inventory).busy() == set(DRIFT)


def test_a_runner_and_a_client_come_and_go(inventory, through, fourth):
    with through():
        inventory.put(fourth)
        inventory.edit(lambda intent: intent["clients"].update(eve={"interface": "wg0", "profile": "everything"}))
        assert {"hub", fourth, "router"} <= _site(inventory).busy()
    with through():
        inventory.drop(fourth)
        inventory.edit(lambda intent: intent["clients"].pop("eve"))
        assert {"hub", "router"} <= _site(inventory).busy()


@pytest.mark.fault("F21")
@pytest.mark.parametrize("host", ["hub", "runner1"])
@pytest.mark.parametrize("command", [RELOAD, "systemctl restart firewalld"], ids=["reload", "restart"])
def test_firewalld(through, on, host, command):
    with through():
        on(host, command)


@pytest.mark.fault("F22")
@pytest.mark.parametrize("host", tenants.RUNNERS)
def test_a_restart_of_docker_that_keeps_its_containers(through, on, host):
    with through():
        on(host, "systemctl restart docker")


def test_without_weft_a_reload_of_firewalld_cuts_what_docker_forwards_where_docker_switched_that_on(on, fourth):
    """Docker then forbids to forward by a policy. firewalld takes all rules of iptables, and leaves the policy; Docker
    puts its rules back when it hears of that. With weft on the host that is so until it boots."""
    assert on(fourth, "iptables -S FORWARD").splitlines()[0] == "-P FORWARD DROP"
    plain = matrix.served(fourth, "plain", traffic.run_container(fourth, "bridge", "plain"), ())
    with flow.pings(plain, hosts.load("hub").address, PAUSE) as account:
        on(fourth, RELOAD)
        wait_until("Docker's rules", lambda: "-i docker0 -o docker0 -j ACCEPT" in on(fourth, "iptables -S FORWARD"), 10)
    assert account[0].lost != ()
