"""Whatever somebody does to a host by hand, the status names it there, in the right words, and nowhere else."""

from __future__ import annotations

import pytest

from lab import hooks, machine, tenants
from lab import host as hosts
from lab.shell import wait_until

EDITED = "echo '# by hand' >> /etc/systemd/system/weft-collect.service"
# By host: what is done to it, and all that it then says.
WAVES = {
    "first": {
        "hub": (
            "ip link delete vxkr1",
            {
                "link vxkr1: missing",
                "address vxkr1 10.1.0.254/16: missing",
                "policed interface vxkr1: missing",
            },
        ),
        "runner1": ("nft delete table inet weft_overlay", {"ruleset nft: missing"}),
        "runner2": (
            hooks.take_out("vxlan0"),
            {"policed interface vxlan0: differs (a program of ours is not attached, or is another one)"},
        ),
        "runner3": ("ip link set vxlan0 mtu 1400", {"link vxlan0: differs (mtu 1400, planned 1450)"}),
        "router": ("systemctl stop weft-watch", {"service weft-watch.service: missing"}),
        "nas1": (EDITED, {"file /etc/systemd/system/weft-collect.service: differs (content)"}),
    },
    "second": {
        # Not one with a route of the kernel's own in the main table: the guard sees that go, and mends it at once.
        "hub": ("ip address delete 10.1.0.254/16 dev vxkr1", {"address vxkr1 10.1.0.254/16: missing"}),
        "runner1": ("sysctl -qw net.ipv4.ip_forward=0", {"sysctl net.ipv4.ip_forward: differs (value 0, planned 1)"}),
        "runner2": ("iptables -F WEFT-FORWARD", None),
        "runner3": ("ip link set vxlan0 down", {"link vxlan0: differs (up no, planned yes)"}),
        "router": (
            "rm /etc/systemd/system/weft-audit.service",
            {"file /etc/systemd/system/weft-audit.service: missing"},
        ),
        "nas1": ("systemctl stop weft-collect", {"service weft-collect.service: missing"}),
    },
}


@pytest.fixture(autouse=True)
def _mended(domain):
    """One that failed leaves nothing to the next."""
    if not domain.in_sync():
        domain.site()
        domain.settled()


@pytest.mark.fault("F03", "F26")
@pytest.mark.parametrize("wave", WAVES)
def test_each_drift_is_named_on_its_host_and_mended_by_a_run(domain, on, wave):
    for host, (command, _words) in WAVES[wave].items():
        on(host, command)
    status = domain.status()
    assert not status["healthy"]
    for host, (_command, words) in WAVES[wave].items():
        found = domain.differences(status, host)
        assert found, host
        if words is not None:
            assert words <= found, host
            # What hung on a link that is gone or down has gone with it.
            extra = {line for line in found - words if not line.startswith("route ")}
            assert extra == set(), host
        else:
            assert {line.split(":")[0] for line in found} == {"ruleset iptables-nft"}, found
        # Against the intent it is the same: nobody changed that.
        assert domain.differences(status, host, "intent") == found, host
        # What the run says, the host says too, and the terminal.
        assert {line for line in domain.here(host) if line in found} == found
        assert all(f"{host}: {line}" in domain.output for line in found)
        assert status["hosts"][host]["health"] == "poor"
    domain.site()
    domain.settled()
    mended = domain.status()
    assert [
        host
        for host in mended["hosts"]
        if domain.differences(mended, host) | domain.differences(mended, host, "intent")
    ] == []
    assert mended["healthy"], domain.output
    assert "all as intended" in domain.output


def test_a_tunnel_that_is_gone_is_down_in_the_picture_and_others_are_not(domain, on):
    on("hub", "ip link delete vxkr2")
    status = domain.status()
    health = {(one["near"]["node"], one["far"]["node"]): one["health"] for one in status["connections"]}
    assert health["hub", "runner2"] == "down"
    assert (health["hub", "runner1"], health["hub", "runner3"]) == ("good", "good")
    domain.site()
    domain.settled()


def test_a_narrow_path_is_measured(domain, on):
    """Fragments of the underlay are refused by nobody, so the bridge's own link is made narrow."""
    on("runner1", "ip link set vxlan0 mtu 1300; ip link set kohaku-overlay mtu 1300")
    on("hub", "ip link set vxkr1 mtu 1300")
    status = domain.status()
    (edge,) = (one for one in status["connections"] if one["far"]["node"] == "runner1")
    assert edge["health"] == "poor"
    assert any("gets packets of 1300 octets through to" in words for words in edge["words"]), edge
    domain.site()
    domain.settled()


@pytest.mark.fault("F21", "F22")
@pytest.mark.parametrize(
    "command", ["systemctl restart firewalld", "firewall-cmd --reload", "systemctl restart docker"]
)
def test_neighbours_that_restart_are_no_drift(domain, on, command):
    on("runner1", command)
    domain.settled()
    status = domain.status()
    assert domain.differences(status, "runner1") == set()
    assert status["hosts"]["runner1"]["health"] == "good"


def test_a_dead_host_is_told_and_fails_nothing(domain):
    machine.stop(hosts.load("runner3"))
    try:
        status = domain.status()
        assert status["hosts"]["runner3"]["failure"] == "not reached"
        assert [host for host in tenants.MEMBERS if status["hosts"][host]["health"] != "good"] == ["runner3"]
        edges = {one["far"]["node"]: one["health"] for one in status["connections"]}
        assert (edges["runner3"], edges["runner1"]) == ("down", "good")
    finally:
        machine.start(hosts.load("runner3"))
    wait_until("runner3 to be as planned again", domain.in_sync, 90, pause=1)


def test_another_intent_is_told_apart_from_drift(domain):
    """The hosts are as their plans say, and their plans are older than the intent."""
    document = tenants.rewrite(domain.mine)
    document["overlay"] = {**document["overlay"], "port": 4790}
    tenants.rewrite(domain.mine, **document)
    try:
        status = domain.status()
        assert domain.differences(status, "hub") == set()
        assert "file /var/lib/weft/plan.json: differs (content)" in domain.differences(status, "hub", "intent")
        assert "hub: intent: link vxkr1: differs (port 4789, planned 4790)" in domain.output
    finally:
        domain.mine.restore()
    assert domain.status()["healthy"], domain.output


@pytest.mark.fault("F54")
def test_no_secret_and_no_whole_key_is_in_any_of_it(domain, on):
    keys = set(on("router", "wg show all dump").split()) | set(on("router", "cat /var/lib/weft/keys/*/private").split())
    keys = {word for word in keys if len(word) == 44 and word.endswith("=")}
    assert len(keys) >= 6
    domain.status()
    texts = [domain.output]
    for name in ("status.json", "status.html"):
        with open(domain.mine.path(f"build/{name}"), encoding="utf-8") as file:
            texts.append(file.read())
    texts += [machine.execute("router", "weft", "status", *option).stdout for option in ([], ["--json"], ["--metrics"])]
    assert not [key[:4] for key in keys if any(key in text for text in texts)]
