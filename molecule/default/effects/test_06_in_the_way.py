"""Foreign state where the overlay wants to build, and bad input: an error that names it, and nothing is changed."""

from __future__ import annotations

import pytest

from lab import lifecycle, traffic
from lab.cache import locked

ALL = ("hub", "runner1", "runner2", "runner3")


@pytest.fixture(scope="module", autouse=True)
def _a_runner_to_add(inventory):
    """runner3 is new in the inventory and drift waits on the hub: a run that went ahead would change all of that."""
    with locked():
        lifecycle.add("runner3", None)
    inventory.put("runner3")
    traffic.must("hub", "ip", "link", "set", "vxkr1", "mtu", "1300")
    yield
    inventory.drop("runner3")
    with locked():
        lifecycle.remove("runner3")


def _refused(inventory, untouched, *words):
    """A run fails with all these words in its error, nothing changes on any host, in the ledger or in the plans."""
    files, touched = inventory.files(), untouched(*ALL)
    run = inventory.site()
    assert run.code != 0
    assert run.busy() == set(), run.output
    for word in words:
        assert word in run.output, run.output
    assert touched() == ""
    assert inventory.files() == files


BLOCKING = {
    "a_link_of_the_name": (
        "hub",
        "ip link add vxkr3 type bridge",
        "ip link del vxkr3",
        ("hub: link vxkr3", "not made by weft"),
    ),
    "a_link_with_the_vni": (
        "hub",
        "ip link add theirs type vxlan id 103 remote 198.18.0.77 dstport 4789",
        "ip link del theirs",
        ("hub: link theirs", "VNI 103", "vxkr3"),
    ),
    "a_route_into_the_overlay": (
        "runner3",
        "ip route add 10.77.0.0/16 via 198.18.0.1",
        "ip route del 10.77.0.0/16",
        ("runner3: route 10.77.0.0/16", "overlaps 10.0.0.0/8"),
    ),
    "an_address_in_the_overlay": (
        "runner2",
        "ip address add 10.66.0.1/24 dev host0",
        "ip address del 10.66.0.1/24 dev host0",
        ("runner2: address 10.66.0.1/24 on host0", "overlaps 10.0.0.0/8"),
    ),
    "a_docker_network_of_the_name": (
        "runner3",
        "docker network create --subnet 192.0.2.0/24 kohakuriver-overlay",
        "docker network rm kohakuriver-overlay",
        ("runner3: Docker network kohakuriver-overlay", "docker network rm kohakuriver-overlay"),
    ),
    "a_docker_network_that_overlaps": (
        "runner3",
        "docker network create --subnet 10.55.0.0/24 theirs",
        "docker network rm theirs",
        ("runner3: Docker network theirs", "10.55.0.0/24"),
    ),
    "a_bridge_of_the_name": (
        "runner3",
        "ip link add kohaku-overlay type bridge",
        "ip link del kohaku-overlay",
        ("runner3: link kohaku-overlay", "not made by weft"),
    ),
    "a_file_at_the_path_of_the_unit": (
        "runner3",
        "echo theirs > /etc/systemd/system/weft-overlay.service",
        "rm /etc/systemd/system/weft-overlay.service",
        ("runner3: file /etc/systemd/system/weft-overlay.service", "not written by weft"),
    ),
    "a_chain_of_the_name": (
        "runner3",
        "iptables -N WEFT-FORWARD; iptables -A WEFT-FORWARD -s 192.0.2.1 -j ACCEPT",
        "iptables -F WEFT-FORWARD; iptables -X WEFT-FORWARD",
        ("runner3: ", "WEFT-FORWARD"),
    ),
    "a_rule_that_refuses_all_forwarding": (
        "runner2",
        "iptables -I FORWARD -j DROP",
        "iptables -D FORWARD -j DROP",
        ("runner2: iptables rule -A FORWARD -j DROP",),
    ),
    "a_rule_that_refuses_all_forwarding_beside_firewalld": (
        "hub",
        "iptables -I FORWARD -j DROP",
        "iptables -D FORWARD -j DROP",
        ("hub: iptables rule -A FORWARD -j DROP",),
    ),
    "a_rule_that_refuses_the_overlay_on_a_runner_with_firewalld": (
        "runner1",
        "iptables -I FORWARD -s 10.0.0.0/8 -j DROP",
        "iptables -D FORWARD -s 10.0.0.0/8 -j DROP",
        ("runner1: iptables rule -A FORWARD -s 10.0.0.0/8 -j DROP",),
    ),
    "a_rule_that_refuses_our_bridge": (
        "runner2",
        "iptables -I FORWARD -i kohaku-overlay -j REJECT",
        "iptables -D FORWARD -i kohaku-overlay -j REJECT",
        ("runner2: iptables rule -A FORWARD -i kohaku-overlay -j REJECT",),
    ),
    "a_table_of_the_name": (
        "runner3",
        (
            "nft add table inet weft_overlay; nft add chain inet weft_overlay theirs;"
            " nft add rule inet weft_overlay theirs ip saddr 192.0.2.1 drop"
        ),
        "nft delete table inet weft_overlay",
        ("runner3: ", "weft_overlay", "not made by weft"),
    ),
}


@pytest.mark.fault("F16")
@pytest.mark.parametrize("case", BLOCKING)
def test_what_blocks_us_is_named_before_anything_is_changed(inventory, untouched, on, case):
    name, put, take_away, words = BLOCKING[case]
    on(name, put)
    try:
        _refused(inventory, untouched, *words)
    finally:
        on(name, take_away)


def test_all_that_blocks_is_named_at_once(inventory, untouched, on):
    on("hub", "ip link add vxkr3 type bridge")
    on("runner3", "ip link add vxlan0 type bridge")
    try:
        _refused(inventory, untouched, "hub: link vxkr3", "runner3: link vxlan0")
    finally:
        on("hub", "ip link del vxkr3")
        on("runner3", "ip link del vxlan0")


BAD = {
    "unknown_key": ("version: 1\noverlay:\n  cidrr: 10.0.0.0/8\n", ("domain.yaml:3", "cidrr", "cidr")),
    "duplicate_key": ("version: 1\noverlay:\n  port: 4789\n  port: 4790\n", ("domain.yaml:4", "port")),
    "host_bits": ("version: 1\noverlay:\n  cidr: 10.0.0.1/8\n", ("domain.yaml:3", "10.0.0.0/8")),
    "octal": ("version: 1\noverlay:\n  cidr: 010.0.0.0/8\n", ("domain.yaml:3", "010.0.0.0", "leading zero")),
    "over_the_underlay": ("version: 1\noverlay:\n  cidr: 198.18.0.0/16\n  runner_prefix: 24\n", ("198.18.0.10",)),
    "over_dockers_pools": (
        "version: 1\noverlay:\n  cidr: 172.16.0.0/12\n  runner_prefix: 20\n  isolated_cidr: 10.200.0.0/16\n",
        ("Docker's address pool 172.17.0.0/16", "runner1: Docker network bridge"),
    ),
    "a_name_for_the_shell": ("version: 1\noverlay:\n  names: {bridge: 'a;reboot'}\n", ("domain.yaml:3", "a;reboot")),
    "a_template": ("version: 1\noverlay:\n  zone: \"{{ lookup('pipe', 'id') }}\"\n", ("domain.yaml:3", "lookup")),
}


@pytest.mark.fault("F56")
@pytest.mark.parametrize("case", BAD)
def test_a_bad_intent_is_told_by_line_and_nothing_is_touched(inventory, untouched, case):
    text, words = BAD[case]
    inventory.intent(text)
    try:
        _refused(inventory, untouched, *words)
    finally:
        inventory.overlay()


BAD_LINES = {
    "two_runners_with_one_id": ({"runner1": {"runner_id": 7}, "runner2": {"runner_id": 7}}, ("runner1 and runner2",)),
    "id_0": ({"runner1": {"runner_id": 0}}, ("runner1", "0 is the hub's own")),
    "an_id_that_another_holds": ({"runner3": {"runner_id": 2}}, ("runner3", "2 is held by runner2")),
    "two_hosts_at_one_address": ({"runner2": {"underlay_address": "198.18.0.11"}}, ("198.18.0.11",)),
    "an_address_that_is_not_there": ({"runner2": {"underlay_address": "198.18.0.99"}}, ("198.18.0.99", "runner2")),
    "a_misspelt_variable": ({"runner2": {"underlay_adress": "198.18.0.12"}}, ("underlay_adress", "underlay_address")),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_inventory_line_is_told_and_nothing_is_touched(inventory, untouched, case):
    lines, words = BAD_LINES[case]
    for name, variables in lines.items():
        inventory.put(name, **variables)
    try:
        _refused(inventory, untouched, *words)
    finally:
        for name in lines:
            inventory.put(name)


def test_when_nothing_blocks_any_more_the_run_goes_ahead(inventory):
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub", "runner3"}), run.output
    assert traffic.settled(("runner1", "runner2", "runner3")) == []
