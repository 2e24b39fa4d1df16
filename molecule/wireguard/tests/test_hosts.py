"""What is on the hosts when the plane stands: read from kernels, `wg show` and files, not from what Ansible said."""

from __future__ import annotations

import configparser
import ipaddress
import json

import pytest
import testinfra

from lab import plane, wg

KEYS = "/var/lib/weft/keys"
CLIENTS = "/var/lib/weft/clients"
GROUP = "30566"
# What the intent says of the NAS's interfaces, where it says anything: (MTU, transmit queue length, processors)
NAS = {3: (1280, 0, 0), 4: (1380, 0, 0), 5: (1400, 0, 0), 6: (1420, 0, 1), 7: (1420, 0, 2), 8: (1420, 100, 0)}
NAS |= {9: (1420, 1000, 0), 10: (1412, 5000, 0), 13: (1420, 500, 1)}


@pytest.fixture(scope="module")
def hosts(request):
    """Each host of the plane by its name, over the ssh connection that the inventory describes."""
    inventory = request.config.getoption("ansible_inventory")
    names = ("router", "nas1", "peer1")
    return {name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory) for name in names}


def _json(host, command):
    return json.loads(host.check_output(command))


def _link(host, name):
    return _json(host, f"ip -j -d link show {name}")[0]


def _addresses(host, name):
    found = _json(host, f"ip -j address show dev {name}")[0]["addr_info"]
    return {f"{entry['local']}/{entry['prefixlen']}" for entry in found if entry["scope"] == "global"}


def _peers(host, link):
    return wg.parse(host.check_output(f"wg show {link} dump"))


def test_the_router_answers_at_the_first_address_of_each_family(hosts):
    link = _link(hosts["router"], "wg0")
    assert (link["group"], link["ifalias"], link["mtu"]) == (GROUP, "weft:router", 1420)
    assert "UP" in link["flags"]
    assert _addresses(hosts["router"], "wg0") == {"172.27.0.1/24", "fd00:27::1/64"}
    assert hosts["router"].check_output("wg show wg0 listen-port") == "51820"
    assert hosts["router"].sysctl("net.ipv4.ip_forward") == 1
    assert hosts["router"].sysctl("net.ipv6.conf.all.forwarding") == 1


def test_each_client_of_the_router_is_a_peer_with_its_own_two_addresses_and_a_preshared_key(hosts):
    peers = _peers(hosts["router"], "wg0")
    assert len(peers) == len(plane.ON_ROUTER) + 1
    own = {hosts["peer1"].check_output("wg show wg0 public-key"): _addresses(hosts["peer1"], "wg0")}
    for name in plane.ON_ROUTER:
        text = plane.conf(name)
        (key,) = [line.split(" = ")[1] for line in text.splitlines() if line.startswith("# PublicKey")]
        own[key] = set(wg.setting(text, "Address"))
    assert {key: set(peer.allowed_ips) for key, peer in peers.items()} == own
    assert all(peer.preshared for peer in peers.values())


def test_no_two_clients_share_an_address(hosts):
    peers = _peers(hosts["router"], "wg0").values()
    addresses = [address for peer in peers for address in peer.allowed_ips]
    assert len(set(addresses)) == len(addresses) == 2 * (len(plane.ON_ROUTER) + 1)
    numbers = {int(ipaddress.ip_interface(one).ip) & 0xFF for one in addresses if ":" not in one}
    assert numbers == set(range(2, 2 + len(numbers)))


@pytest.mark.parametrize("number", range(1, 16))
def test_each_interface_of_the_nas_is_as_the_intent_has_it(hosts, number):
    host, name = hosts["nas1"], f"wg{number}"
    link = _link(host, name)
    mtu, queue, threads = NAS.get(number, (1420, 0, 0))
    assert (link["group"], link["ifalias"], link["mtu"]) == (GROUP, "weft:nas1", mtu)
    assert not queue or link["txqlen"] == queue
    wanted = {f"172.27.{number}.1/24", f"fd00:27:{number}::1/64"}
    assert _addresses(host, name) == {one for one in wanted if (number, ":" in one) not in {(14, True), (15, False)}}
    assert host.check_output(f"wg show {name} listen-port") == str(51820 + number)
    if threads:
        pid = host.check_output(f"pgrep -f 'wireguard-go.* {name}( |$)'").split()[0]
        environment = host.check_output(f"tr '\\0' '\\n' < /proc/{pid}/environ").splitlines()
        assert f"GOMAXPROCS={threads}" in environment


def test_a_managed_peer_has_one_peer_the_router_and_routes_to_what_its_profile_reaches(hosts):
    host = hosts["peer1"]
    ((key, peer),) = _peers(host, "wg0").items()
    assert key == hosts["router"].check_output("wg show wg0 public-key")
    assert (peer.endpoint, peer.keepalive, peer.preshared) == ("198.19.0.1:51820", 25, True)
    reached = {"198.18.0.0/24", "fd00:18::/64", "172.27.0.1/32", "fd00:27::1/128"}
    assert {"198.18.0.0/24", "fd00:18::/64"} <= set(peer.allowed_ips)
    assert all(
        any(
            ipaddress.ip_network(one).subnet_of(ipaddress.ip_network(two))
            for two in reached
            if (":" in one) == (":" in two)
        )
        for one in peer.allowed_ips
    )
    routes = _json(host, "ip -j route show dev wg0") + _json(host, "ip -j -6 route show dev wg0")
    assert {"198.18.0.0/24", "fd00:18::/64"} <= {route["dst"] for route in routes}
    assert "default" not in {route["dst"] for route in routes}


@pytest.mark.parametrize("name", ["router", "nas1", "peer1"])
def test_nobody_but_root_can_read_a_key(hosts, name):
    host = hosts[name]
    for root in (KEYS, CLIENTS):
        if host.file(root).exists:
            loose = host.check_output(f"find {root} -type d ! -perm 0700 -o -type f ! -perm 0600 -o ! -user root")
            assert loose == ""
    private = host.check_output(f"find {KEYS} -name private").split()
    links = {"router": ["wg0"], "nas1": [f"wg{number}" for number in range(1, 16)], "peer1": ["wg0"]}[name]
    # Of an interface that is gone the key stays.
    assert {f"{KEYS}/{link}/private" for link in links} <= set(private)


@pytest.mark.parametrize("name", ["router", "nas1", "peer1"])
def test_the_key_that_is_kept_is_the_one_in_use(hosts, name):
    host = hosts[name]
    for line in host.check_output("wg show all public-key").splitlines():
        link, key = line.split()
        assert host.check_output(f"wg pubkey < {KEYS}/{link}/private") == key
        assert host.file(f"{KEYS}/{link}/private.pub").content_string.strip() == key


@pytest.mark.parametrize("client", ["lan1", "net1", "full1", "bench1", "bench14", "bench15"])
def test_a_client_has_its_configuration_as_text_as_a_picture_and_for_networkmanager(hosts, client):
    host = hosts[plane.server_of(client)]
    folder = f"{CLIENTS}/{client}/"
    names = set(host.check_output(f"ls {folder}").split())
    assert names == {f"{client}.conf", f"{client}.nmconnection", f"{client}.png"}
    text = plane.conf(client)
    assert host.check_output(f"wg-quick strip {folder}{client}.conf > /dev/null; echo $?") == "0"
    assert host.file(f"{folder}{client}.png").content.startswith(b"\x89PNG\r\n")
    keyfile = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    keyfile.read_string(host.file(f"{folder}{client}.nmconnection").content_string)
    assert keyfile["connection"]["type"] == "wireguard"
    assert keyfile["wireguard"]["private-key"] == wg.setting(text, "PrivateKey")[0]
    (peer,) = [section for section in keyfile.sections() if section.startswith("wireguard-peer.")]
    assert peer.partition(".")[2] == wg.setting(text, "PublicKey")[0]
    assert keyfile[peer]["endpoint"] == wg.setting(text, "Endpoint")[0]
    assert set(filter(None, keyfile[peer]["allowed-ips"].split(";"))) == set(wg.setting(text, "AllowedIPs"))


def test_what_a_client_sends_into_its_tunnel_is_what_its_profile_says():
    everything = ["0.0.0.0/0", "::/0"]
    site = ["172.27.0.1/32", "198.18.0.0/24", "fd00:18::/64", "fd00:27::1/128"]
    for name in plane.ON_ROUTER:
        wanted = site if name in plane.LAN else everything
        assert sorted(wg.setting(plane.conf(name), "AllowedIPs")) == sorted(wanted), name
    assert sorted(wg.setting(plane.conf("bench14"), "AllowedIPs")) == ["172.27.14.1/32", "198.18.0.0/24"]
    assert sorted(wg.setting(plane.conf("bench15"), "AllowedIPs")) == ["fd00:18::/64", "fd00:27:15::1/128"]


@pytest.mark.parametrize("name", ["router", "nas1", "peer1"])
def test_the_next_boot_brings_the_plane_back(hosts, name):
    host = hosts[name]
    assert host.service("weft-overlay").is_enabled
    assert host.service("weft-watch").is_enabled
    assert host.service("weft-watch").is_running
    assert host.file("/var/lib/weft/plan.json").mode == 0o600
    # what the unit would run now finds nothing to do
    notes = host.check_output("weft apply").splitlines()
    assert [line for line in notes if not line.endswith("this kernel has no WireGuard")] == []


def test_the_store_on_the_nas_has_the_intent_the_ledger_and_every_clients_files(hosts):
    host = hosts["nas1"]
    assert host.check_output("find /srv/weft -type d ! -perm 0700 -o -type f ! -name lock ! -perm 0600") == ""
    names = set(host.check_output("cd /srv/weft/current/ && find . -type f").split())
    assert {"./domain.yaml", "./ledger.json", "./plans/router.json", "./identity/router.cms"} <= names
    for client in (*plane.ON_ROUTER, *plane.ON_NAS):
        for end in ("conf", "png", "nmconnection"):
            assert f"./clients/{plane.server_of(client)}/{client}/{client}.{end}" in names


def test_the_router_keeps_what_the_nas_would_lose(hosts):
    names = set(hosts["router"].check_output("cd /var/lib/weft/store/current/ && find . -type f").split())
    assert {"./domain.yaml", "./ledger.json", "./identity/nas1.cms"} <= names
    assert {f"./clients/nas1/{client}/{client}.conf" for client in plane.ON_NAS} <= names
