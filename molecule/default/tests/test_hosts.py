"""What is on the hosts when the overlay stands: read from kernels, firewalls and Docker, not from what Ansible said."""

from __future__ import annotations

import json

import pytest
import testinfra

NUMBERS = {"runner1": 1, "runner2": 2}
UNDERLAY = {"hub": "198.18.0.10", "runner1": "198.18.0.11", "runner2": "198.18.0.12"}
GROUP = "30565"


@pytest.fixture(scope="module")
def hosts(request):
    """Each host of the overlay by its name, over the ssh connection that the inventory describes."""
    inventory = request.config.getoption("ansible_inventory")
    return {name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory) for name in UNDERLAY}


def _json(host, command):
    return json.loads(host.check_output(command))


def _link(host, name):
    return _json(host, f"ip -j -d link show {name}")[0]


def _addresses(host, name):
    found = _json(host, f"ip -j address show dev {name}")[0]["addr_info"]
    return [(entry["local"], entry["prefixlen"], bool(entry.get("noprefixroute"))) for entry in found]


@pytest.mark.parametrize("runner", NUMBERS)
def test_the_hub_has_a_tunnel_to_each_runner(hosts, runner):
    number = NUMBERS[runner]
    link = _link(hosts["hub"], f"vxkr{number}")
    data = link["linkinfo"]["info_data"]
    assert (data["id"], data["port"], data["local"], data["remote"]) == (
        100 + number,
        4789,
        UNDERLAY["hub"],
        UNDERLAY[runner],
    )
    assert data["learning"] is False
    assert (link["group"], link["ifalias"], link["mtu"]) == (GROUP, f"weft:{runner}", 1450)
    assert "UP" in link["flags"]
    assert _addresses(hosts["hub"], f"vxkr{number}") == [(f"10.{number}.0.254", 16, True)]


def test_the_hub_answers_at_the_first_address_of_the_overlay(hosts):
    link = _link(hosts["hub"], "kohaku-host")
    assert link["linkinfo"]["info_kind"] in {"dummy", "bridge"}
    assert (link["group"], link["ifalias"]) == (GROUP, "weft:hub")
    assert _addresses(hosts["hub"], "kohaku-host") == [("10.0.0.1", 8, False)]


def test_the_hub_routes_each_subnet_by_its_runner(hosts):
    routes = {route["dst"]: route for route in _json(hosts["hub"], "ip -j route show proto 119")}
    assert sorted(routes) == ["10.1.0.0/16", "10.2.0.0/16"]
    for number in NUMBERS.values():
        route = routes[f"10.{number}.0.0/16"]
        assert (route["gateway"], route["dev"]) == (f"10.{number}.0.1", f"vxkr{number}")
        assert (route["prefsrc"], route["flags"]) == ("10.0.0.1", ["onlink"])


@pytest.mark.parametrize("runner", NUMBERS)
def test_a_runner_has_its_bridge_and_the_tunnel_on_it(hosts, runner):
    number = NUMBERS[runner]
    bridge, tunnel = _link(hosts[runner], "kohaku-overlay"), _link(hosts[runner], "vxlan0")
    data = tunnel["linkinfo"]["info_data"]
    assert (data["id"], data["port"], data["local"], data["remote"]) == (
        100 + number,
        4789,
        UNDERLAY[runner],
        UNDERLAY["hub"],
    )
    assert data["learning"] is False
    assert tunnel["master"] == "kohaku-overlay"
    assert (bridge["group"], bridge["ifalias"]) == (GROUP, f"weft:{runner}")
    assert (tunnel["group"], tunnel["ifalias"]) == (GROUP, "weft:hub")
    assert (bridge["mtu"], tunnel["mtu"]) == (1450, 1450)
    assert _addresses(hosts[runner], "kohaku-overlay") == [(f"10.{number}.0.1", 16, False)]


@pytest.mark.parametrize("runner", NUMBERS)
def test_a_runner_routes_the_overlay_to_the_hub(hosts, runner):
    number = NUMBERS[runner]
    (route,) = _json(hosts[runner], "ip -j route show proto 119")
    assert (route["dst"], route["gateway"]) == ("10.0.0.0/8", f"10.{number}.0.254")
    assert (route["dev"], route["prefsrc"]) == ("kohaku-overlay", f"10.{number}.0.1")


@pytest.mark.parametrize(
    ("name", "link", "remote"),
    [
        ("hub", "vxkr1", UNDERLAY["runner1"]),
        ("hub", "vxkr2", UNDERLAY["runner2"]),
        ("runner1", "vxlan0", UNDERLAY["hub"]),
        ("runner2", "vxlan0", UNDERLAY["hub"]),
    ],
)
def test_a_tunnel_forwards_to_its_one_remote_only(hosts, name, link, remote):
    entries = _json(hosts[name], f"bridge -j fdb show dev {link}")
    ends = {(entry["mac"], entry["dst"]) for entry in entries if "dst" in entry}
    assert ends == {("00:00:00:00:00:00", remote)}


@pytest.mark.parametrize("name", UNDERLAY)
def test_hosts_forward_and_check_sources_and_have_no_ipv6_in_the_overlay(hosts, name):
    host = hosts[name]
    assert host.sysctl("net.ipv4.ip_forward") == 1
    links = [link["ifname"] for link in _json(host, f"ip -j link show group {GROUP}") if link]
    assert len(links) == (3 if name == "hub" else 2)
    for link in links:
        assert host.sysctl(f"net.ipv6.conf.{link}.disable_ipv6") == 1, link
        assert host.check_output(f"ip -6 address show dev {link}") == "", link


@pytest.mark.parametrize(
    ("name", "interfaces"), [("hub", ["vxkr+"]), ("runner1", ["kohaku-overlay+", "vxlan0"])], ids=["hub", "runner1"]
)
def test_firewalld_has_our_links_in_its_zone_now_and_for_good(hosts, name, interfaces):
    host = hosts[name]
    for lasting in ("", "--permanent "):
        found = host.check_output(f"firewall-cmd {lasting}--zone=trusted --list-interfaces").split()
        assert set(interfaces) <= set(found), lasting
        policies = host.check_output(f"firewall-cmd {lasting}--get-policies").split()
        assert {"weft-overlay", "weft-forward"} <= set(policies), lasting
    assert "table inet weft_overlay" in host.check_output("nft list tables")


def test_the_hub_has_one_way_past_the_policy_of_docker_now_and_for_good(hosts):
    for lasting in ("", "--permanent "):
        rules = hosts["hub"].check_output(f"firewall-cmd {lasting}--direct --get-all-rules").splitlines()
        assert len([rule for rule in rules if "weft" in rule]) == 1, rules


@pytest.mark.fault("F23")
def test_iptables_has_our_chains_hooked_once(hosts):
    rules = hosts["runner2"].check_output("iptables-nft-save").splitlines()
    for chain in ("WEFT-SOURCE", "WEFT-TUNNEL", "WEFT-SCOPE", "WEFT-INPUT", "WEFT-FORWARD", "WEFT-NAT"):
        hooks = [rule for rule in rules if f"-j {chain}" in rule]
        assert len(hooks) == 1, (chain, hooks)


@pytest.mark.fault("F51")
def test_nothing_accepts_all_of_10_8(hosts):
    for name, host in hosts.items():
        save = host.run("iptables-nft-save")
        for rule in save.stdout.splitlines():
            if "10.0.0.0/8" in rule and "ACCEPT" in rule:
                assert "--src-group" in rule or "--dst-group" in rule, (name, rule)


def test_masquerade_is_for_the_internet_and_on_runners_only(hosts):
    table = hosts["runner1"].check_output("nft -s list table inet weft_overlay")
    (rule,) = [line for line in table.splitlines() if "masquerade" in line]
    assert "ip saddr 10.1.0.0/16" in rule
    assert "ip daddr != 10.0.0.0/8" in rule
    chains = hosts["runner2"].check_output("iptables-nft-save -t nat")
    (rule,) = [line for line in chains.splitlines() if line.startswith("-A WEFT-NAT")]
    assert "-s 10.2.0.0/16 ! -d 10.0.0.0/8" in rule
    assert "masquerade" not in hosts["hub"].check_output("nft -s list ruleset").lower()


@pytest.mark.parametrize("runner", NUMBERS)
def test_docker_has_the_network_on_our_bridge(hosts, runner):
    number = NUMBERS[runner]
    (network,) = _json(hosts[runner], "docker network inspect kohakuriver-overlay")
    (pool,) = network["IPAM"]["Config"]
    assert (pool["Subnet"], pool["Gateway"]) == (f"10.{number}.0.0/16", f"10.{number}.0.1")
    assert list(pool["AuxiliaryAddresses"].values()) == [f"10.{number}.0.254"]
    assert network["Options"] == {
        "com.docker.network.bridge.name": "kohaku-overlay",
        "com.docker.network.driver.mtu": "1450",
        "com.docker.network.bridge.enable_ip_masquerade": "false",
    }
    assert network["Labels"] == {"weft.overlay": runner}


@pytest.mark.parametrize("name", UNDERLAY)
def test_the_next_boot_brings_the_overlay_back(hosts, name):
    host = hosts[name]
    assert host.service("weft-overlay").is_enabled
    plan = host.file("/var/lib/weft/plan.json")
    assert (plan.user, plan.mode) == ("root", 0o600)
    assert host.file("/var/lib/weft").mode == 0o700
    assert json.loads(plan.content_string)["host"] == name
    before = host.check_output("systemctl show --property=Before --value weft-overlay")
    assert "docker.service" in before.split()
    assert host.run("systemd-analyze verify weft-overlay.service").stderr == ""
    # what the unit would run now finds nothing to do
    assert host.check_output("weft apply") in {"", "kohaku-host is an empty bridge: this kernel has no dummy device"}
