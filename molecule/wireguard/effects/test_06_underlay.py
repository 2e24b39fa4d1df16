"""The overlay's tunnels inside of WireGuard: nothing of them in the clear, the exact MTU, and all that worked works."""

from __future__ import annotations

import json

import pytest

from lab import machine, traffic, wg

PAIR = ("runner1", "runner2")
UNDERLAY = {"hub": "198.18.0.10", "runner1": "198.18.0.11", "runner2": "198.18.0.12"}
MTU = 1500 - 60 - 50


@pytest.fixture(scope="module", autouse=True)
def _inside(inventory):
    for runner in PAIR:
        traffic.remove_container(runner)
    inventory.edit(lambda intent: intent["overlay"].update(underlay="wireguard"))
    run = inventory.site()
    assert run.code == 0, run.output
    assert traffic.settled(PAIR) == []
    yield
    for runner in PAIR:
        traffic.remove_container(runner)


def test_hub_and_runners_are_peers(on):
    for name in UNDERLAY:
        peers = wg.peers(name, "wg-overlay")
        assert len(peers) == (2 if name == "hub" else 1)
        assert all(peer.handshake and peer.preshared for peer in peers.values())
    numbers = {runner: f"172.16.254.{1 + number}" for number, runner in enumerate(PAIR, 1)}
    for runner, address in numbers.items():
        assert address + "/" in on(runner, "ip -br address show wg-overlay")
        assert address in {
            one.partition("/")[0] for peer in wg.peers("hub", "wg-overlay").values() for one in peer.allowed_ips
        }
    assert "172.16.254.1/" in on("hub", "ip -br address show wg-overlay")


@pytest.mark.fault("F42")
def test_no_vxlan_is_on_the_wire_while_containers_talk():
    target = traffic.address("runner2")
    with traffic.captured("udp port 4789") as clear, traffic.captured("udp port 51821") as sealed:
        assert traffic.pings("runner1", target).returncode == 0
        assert traffic.fetch("runner1", f"http://{target}:8000/name")
    assert clear == []
    between = {(words[2].rpartition(".")[0], words[4].rpartition(".")[0]) for words in map(str.split, sealed)}
    hub = UNDERLAY["hub"]
    for runner in PAIR:
        assert {(UNDERLAY[runner], hub), (hub, UNDERLAY[runner])} <= between
    assert (UNDERLAY["runner1"], UNDERLAY["runner2"]) not in between


@pytest.mark.fault("F40")
def test_the_largest_packet_passes_and_one_byte_more_is_refused(on):
    for name, link in (("hub", "vxkr1"), ("runner1", "vxlan0"), ("runner1", "kohaku-overlay")):
        assert json.loads(on(name, f"ip -j link show {link}"))[0]["mtu"] == MTU
    target = traffic.address("runner2")
    with traffic.captured("ip[6:2] & 0x3fff != 0") as cut:
        assert traffic.pings("runner1", target, "-M", "do", "-s", str(MTU - 28)).returncode == 0
    assert cut == []
    said = traffic.pings("runner1", target, "-M", "do", "-s", str(MTU - 27))
    assert "message too long" in (said.stdout + said.stderr).lower()


def test_100_megabytes_arrive_whole():
    traffic.transfer("runner2", "runner1")


@pytest.mark.fault("F42")
def test_vxlan_in_the_clear_is_not_listened_to():
    """A frame with our VNI and a runner's address, beside the tunnel."""
    script = (
        "ip link add evil type vxlan id 101 remote 198.18.0.10 dstport 4789 nolearning; "
        "ip address add 10.1.0.77/8 dev evil; ip link set evil up; "
        "ip neighbour replace 10.0.0.1 lladdr 02:77:00:00:00:65 dev evil"
    )
    traffic.must("nas1", "sh", "-c", script)
    try:
        with traffic.seen("hub", "vxkr1", "src host 10.1.0.77") as arrived, traffic.captured("udp port 4789") as sent:
            machine.execute("nas1", "ping", "-c3", "-i0.2", "-W1", "10.0.0.1")
    finally:
        traffic.must("nas1", "ip", "link", "del", "evil")
    assert sent
    assert arrived == []


def test_a_second_run_finds_nothing_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output


def test_back_in_the_open(inventory, on):
    for runner in PAIR:
        traffic.remove_container(runner)
    inventory.restore()
    run = inventory.site()
    assert run.code == 0, run.output
    assert traffic.settled(PAIR) == []
    for name in UNDERLAY:
        assert "wg-overlay" not in on(name, "ip -br link")
        assert machine.execute(name, "pgrep", "-f", "wireguard-go.*wg-overlay").returncode != 0
