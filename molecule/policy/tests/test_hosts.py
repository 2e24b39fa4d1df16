"""What is on the hosts when tenants stand: read from kernels, not from what Ansible said."""

from __future__ import annotations

import json

import pytest
import testinfra

from lab import hooks

MARK = "0xff000000"
POLICED = {
    "hub": ("vxkr1", "vxkr2", "vxkr3"),
    "router": ("wg0",),
    "runner1": ("vxlan0",),
    "runner2": ("vxlan0",),
    "runner3": ("vxlan0",),
}


@pytest.fixture(scope="module")
def hosts(request):
    """Each policed host by its name, over the ssh connection that the inventory describes."""
    inventory = request.config.getoption("ansible_inventory")
    return {name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory) for name in POLICED}


def _json(host, command):
    return json.loads(host.check_output(command))


def _programs(host, link):
    """And all by the same way, which the kernel has."""
    found = _json(host, hooks.look(link))
    assert len({way for _program, way in found}) == 1
    return [program for program, _way in found]


@pytest.mark.parametrize("name", POLICED)
def test_every_interface_that_serves_others_has_both_programs(hosts, name):
    for link in POLICED[name]:
        assert _programs(hosts[name], link) == ["weft_ingress", "weft_egress"]


@pytest.mark.parametrize("name", ["runner1", "runner2", "runner3"])
def test_a_bridge_is_judged_at_its_ports(hosts, name):
    assert _programs(hosts[name], "kohaku-overlay") == ["weft_ingress", "weft_egress"]


@pytest.mark.parametrize("name", POLICED)
@pytest.mark.parametrize("family", ["", "-6"])
def test_each_network_has_a_table_and_none_falls_into_main(hosts, name, family):
    rules = _json(hosts[name], f"ip -j {family} rule show")
    ours = [rule for rule in rules if rule.get("fwmask") == MARK and rule.get("table", "").startswith("119")]
    assert len(ours) == 2
    for rule in ours:
        routes = _json(hosts[name], f"ip -j {family} route show table {rule['table']}")
        assert any(route.get("type") == "unreachable" and route["dst"] == "default" for route in routes)
    assert all(rule["priority"] < 32766 for rule in ours)


@pytest.mark.parametrize("name", POLICED)
def test_the_services_run(hosts, name):
    assert hosts[name].service("weft-audit").is_running
    if name.startswith("runner"):
        assert hosts[name].service("weft-guard").is_running
        units = hosts[name].check_output("systemctl show --value -p Before weft-guard")
        assert "docker.service" in units.split()


@pytest.mark.fault("F57")
@pytest.mark.parametrize("name", POLICED)
def test_nothing_of_a_policy_can_be_read_or_written_by_others(hosts, name):
    assert hosts[name].file("/sys/fs/bpf/weft").mode & 0o077 == 0
    assert hosts[name].file("/var/lib/weft/plan.json").mode & 0o077 == 0
    assert hosts[name].file("/var/lib/weft/audit").mode & 0o077 == 0
