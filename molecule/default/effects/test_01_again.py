"""A run that finds nothing to do does nothing; check mode tells the truth; drift is repaired and only drift."""

from __future__ import annotations

import pytest

from lab import traffic

HOSTS = ("hub", "runner1", "runner2")
# What others put there, of the five kinds; none of it stands in our way.
FOREIGN = {
    "hub": (
        "ip link add vxkr9 type vxlan id 4242 remote 198.18.0.77 dstport 4790",
        "ip link set vxkr9 up",
        "ip link add vni103 type vxlan id 103 remote 198.18.0.77 dstport 4790",
        "ip route add 192.0.2.0/24 via 198.18.0.1",
        "firewall-cmd -q --direct --add-rule ipv4 filter FORWARD 0 -s 192.0.2.7 -j ACCEPT",
        "nft add table inet somebody",
        "nft add chain inet somebody forward '{ type filter hook forward priority 5 ; }'",
        "nft add rule inet somebody forward ip saddr 192.0.2.9 counter drop",
    ),
    "runner1": ("docker network create --subnet 192.0.2.0/24 somebody", "ip route add 203.0.113.0/24 via 198.18.0.1"),
    "runner2": (
        "iptables -I FORWARD -s 192.0.2.7 -j ACCEPT",
        "iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE",
        "ip link add vxkr9 type vxlan id 103 remote 198.18.0.77 dstport 4790",
    ),
}
GONE = {
    "hub": (
        "ip link del vxkr9; ip link del vni103; ip route del 192.0.2.0/24; nft delete table inet somebody",
        "firewall-cmd -q --direct --remove-rule ipv4 filter FORWARD 0 -s 192.0.2.7 -j ACCEPT",
    ),
    "runner1": ("docker network rm somebody; ip route del 203.0.113.0/24",),
    "runner2": (
        "iptables -D FORWARD -s 192.0.2.7 -j ACCEPT; ip link del vxkr9",
        "iptables -t nat -D POSTROUTING -s 192.0.2.0/24 -j MASQUERADE",
    ),
}
DRIFT = {
    "hub": ("ip link del vxkr2", "ip address add 10.1.0.99/32 dev vxkr1", "sysctl -qw net.ipv4.ip_forward=0"),
    "runner1": ("ip route del 10.0.0.0/8", "nft flush chain inet weft_overlay scope_guard"),
    "runner2": ("ip link set vxlan0 mtu 1400", "iptables -F WEFT-FORWARD", "chmod 644 /var/lib/weft/plan.json"),
}


@pytest.fixture(scope="module", autouse=True)
def _foreign(inventory):
    for name, commands in FOREIGN.items():
        for command in commands:
            traffic.must(name, "sh", "-c", command)
    yield
    for name, commands in GONE.items():
        for command in commands:
            traffic.must(name, "sh", "-c", command)


@pytest.mark.fault("F01")
def test_a_second_run_beside_foreign_state_changes_nothing_and_touches_nothing(inventory, untouched):
    touched = untouched(*HOSTS)
    run = inventory.site("--diff")
    assert (run.code, run.changed) == (0, dict.fromkeys(HOSTS, 0)), run.output
    assert run.diffs() == {}
    assert not [line for line in run.output.splitlines() if line.startswith(("--- ", "+++ "))]
    assert touched() == ""


@pytest.fixture(scope="module")
def drifted(inventory):
    for name, commands in DRIFT.items():
        for command in commands:
            traffic.must(name, "sh", "-c", command)


@pytest.fixture(scope="module")
def checked(inventory, drifted):
    return inventory.site("--check", "--diff")


@pytest.mark.fault("F02")
def test_check_mode_on_drifted_hosts_touches_neither_them_nor_the_inventory(inventory, drifted, untouched):
    files, touched = inventory.files(), untouched(*HOSTS)
    run = inventory.site("--check", "--diff")
    assert run.code == 0, run.output
    assert run.busy() == set(HOSTS)
    assert touched() == ""
    assert inventory.files() == files


def test_a_plan_from_drifted_hosts_says_the_same_and_touches_nothing(inventory, checked, untouched):
    files, touched = inventory.files(), untouched(*HOSTS)
    run = inventory.plan()
    assert run.code == 0, run.output
    assert run.summary() == checked.summary()
    assert touched() == ""
    assert {path: text for path, text in inventory.files().items() if not path.startswith("build")} == {
        path: text for path, text in files.items() if not path.startswith("build")
    }


@pytest.mark.fault("F02")
def test_the_run_then_does_exactly_what_check_mode_said(inventory, checked):
    run = inventory.site("--diff")
    assert run.code == 0, run.output
    assert run.summary() == checked.summary()
    assert run.diffs() == checked.diffs()
    said = "\n".join(run.diffs()["hub"])
    assert "vxkr2" in said
    assert "10.1.0.99" in said
    assert "vxkr9" not in run.output
    assert traffic.settled(("runner1", "runner2")) == []


@pytest.mark.fault("F03")
def test_the_repair_leaves_what_others_put_there(inventory, on):
    assert "id 4242" in on("hub", "ip -d link show vxkr9")
    assert "id 103" in on("hub", "ip -d link show vni103")
    assert "192.0.2.0/24" in on("hub", "ip route show")
    assert "192.0.2.9" in on("hub", "nft list table inet somebody")
    assert "192.0.2.7" in on("hub", "firewall-cmd --direct --get-all-rules")
    assert "somebody" in on("runner1", "docker network ls")
    assert "-s 192.0.2.7/32 -j ACCEPT" in on("runner2", "iptables -S FORWARD")
    assert inventory.site().changed == dict.fromkeys(HOSTS, 0)
