# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A hub whose tunnels run in a carrier, and that has a gate for clients as well, shown with packets in every back end.

The carrier and the clients' link are veths that are called as WireGuard's links would be: rules know only names.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach
from ansible_collections.weft.overlay.tests.integration.kernel import firewall_hosts as lab

BACKENDS = ("none", "iptables-nft", "iptables-legacy")
OWN, RUNNER, STRANGER = "192.168.254.1", "192.168.254.2", "192.168.254.9"

HUB = lab.HUB._replace(vnis=(101,), remotes=(RUNNER,), carrier="wg-overlay", carrier_port=51821)
# As far as it goes, the client may reach the overlay and the carrier.
CLIENTS = Access(
    link="wg0",
    port=51820,
    subnets=("10.99.0.0/24",),
    addresses=("10.99.0.1",),
    reaches=(Reach("wide", ("10.99.0.2",), ("10.0.0.0/8", "192.168.0.0/16", "198.18.9.0/24"), host=True),),
    internal=("10.0.0.0/8",),
    masquerade="nothing",
    mtu=1420,
    zone="internal",
)
CLIENT = ("rogue", "10.99.0.2")
_SHUT = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\nCOMMIT\n"


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def hosts(backend: str) -> Iterator[lab.Hosts]:
    made = lab.Hosts()
    try:
        made.build()
        made.batch(
            "hub",
            f"link add wg-overlay type veth peer name wg-overlay netns {made.tag}r1",
            f"addr add {OWN}/24 dev wg-overlay",
            "link set wg-overlay up",
            f"link add wg0 type veth peer name wg0 netns {made.tag}rogue",
            "addr add 10.99.0.1/24 dev wg0",
            "link set wg0 up",
            f"link set vxkr1 type vxlan local {OWN} remote {RUNNER}",
            f"link add other type vxlan id 77 local {OWN} dstport 4789",
            "link set other up",
        )
        made.batch("r1", f"addr add {RUNNER}/24 dev wg-overlay", "link set wg-overlay up")
        made.batch("r1", f"link set vxlan0 type vxlan local {RUNNER} remote {OWN}")
        made.batch("rogue", "addr add 10.99.0.2/24 dev wg0", "link set wg0 up", "route add 10.1.0.0/16 via 10.99.0.1")
        # The gate lets no neighbour discovery through; a tunnel has none.
        made.neighbour("hub", "10.99.0.2", "wg0", "rogue")
        made.neighbour("rogue", "10.99.0.1", "wg0", "hub")
        made.before = forbidden(made)
        if backend != "none":
            tool = "iptables-legacy-restore" if backend == "iptables-legacy" else "iptables-nft-restore"
            made.run("hub", tool, "--noflush", text=_SHUT)
        made.converge("hub", backend, HUB, (CLIENTS,))
        yield made
    finally:
        made.remove()


def pings(hosts: lab.Hosts, host: str, target: str) -> bool:
    command = ["ip", "netns", "exec", hosts.tag + host, "ping", "-c1", "-W1", target]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def forbidden(hosts: lab.Hosts) -> dict[str, bool]:
    """Attempts that must fail, each with whether it came through."""
    beside = f"route add {OWN} via {lab.UNDERLAY['hub']} dev u src "
    hosts.batch("rogue", beside + lab.UNDERLAY["rogue"])
    got = {
        "the underlay uses our VNI": hosts.tunnelled("rogue", 101, "vxkr1"),
        "the underlay uses the carrier's address": hosts.tunnelled("rogue", 101, "vxkr1", to=OWN),
    }
    hosts.batch("rogue", f"route del {OWN} dev u")
    hosts.batch("r1", beside + RUNNER)
    got["the right remote comes by the underlay"] = hosts.tunnelled("r1", 101, "vxkr1", to=OWN)
    hosts.batch("r1", f"route del {OWN} dev u", f"addr add {STRANGER}/24 dev wg-overlay")
    hosts.batch("r1", f"route add {OWN} dev wg-overlay src {STRANGER}")
    got["another runner uses this one's VNI"] = hosts.tunnelled("r1", 101, "vxkr1", to=OWN)
    hosts.batch("r1", f"route del {OWN} dev wg-overlay", f"addr del {STRANGER}/24 dev wg-overlay")
    got["a foreign tunnel comes by the carrier"] = hosts.tunnelled("r1", 77, "other", to=OWN)
    got["the carrier reaches a service"] = hosts.heard(("r1", RUNNER), ("hub", OWN)) != "nothing"
    hosts.batch("r1", f"route add 10.0.0.1 via {OWN} dev wg-overlay src {RUNNER}")
    got["the carrier pings another address of the hub"] = pings(hosts, "r1", "10.0.0.1")
    hosts.batch("r1", "route del 10.0.0.1", f"route add {lab.UNDERLAY['lan']} via {OWN} dev wg-overlay")
    got["the carrier leads to the underlay"] = hosts.heard(("r1", RUNNER), ("lan", lab.UNDERLAY["lan"])) != "nothing"
    hosts.batch("r1", f"route del {lab.UNDERLAY['lan']}")
    hosts.batch("lan", f"route add {RUNNER} via {lab.UNDERLAY['hub']}")
    got["the underlay leads to the carrier"] = hosts.heard(("lan", lab.UNDERLAY["lan"]), ("r1", RUNNER)) != "nothing"
    hosts.batch("lan", f"route del {RUNNER}")
    hosts.batch("rogue", f"route add {RUNNER} via 10.99.0.1 dev wg0")
    got["a client enters the carrier"] = hosts.heard(CLIENT, ("r1", RUNNER)) != "nothing"
    hosts.batch("rogue", f"route del {RUNNER}")
    got["a client enters the overlay"] = hosts.heard(CLIENT, ("c1", "10.1.0.2")) != "nothing"
    got["a container reaches a client"] = hosts.heard(("c1", "10.1.0.2"), CLIENT) != "nothing"
    return got


def test_what_must_not_pass_passes_only_without_our_rules(hosts: lab.Hosts) -> None:
    assert set(hosts.before.values()) == {True}, hosts.before
    after = forbidden(hosts)
    assert set(after.values()) == {False}, after


def test_tunnels_and_pings_pass_by_the_carrier(hosts: lab.Hosts) -> None:
    assert hosts.tunnelled("r1", 101, "vxkr1", to=OWN)
    assert hosts.tunnelled("r1", 101, "vxkr1", "split", to=OWN)
    assert pings(hosts, "r1", OWN)
    assert pings(hosts, "hub", RUNNER)
    assert hosts.heard(("hub", OWN), ("r1", RUNNER)) == OWN


def test_clients_and_containers_each_have_their_own(hosts: lab.Hosts, backend: str) -> None:
    hosts.run("rogue", "ping", "-c1", "-W1", "10.99.0.1")
    hosts.batch("rogue", f"route replace {lab.UNDERLAY['lan']} via 10.99.0.1 dev wg0")
    assert hosts.heard(CLIENT, ("lan", lab.UNDERLAY["lan"])) == "10.99.0.2"
    if backend == "none":
        assert hosts.heard(("c1", "10.1.0.2"), ("hub", "10.0.0.1")) == "10.1.0.2"


def test_the_ports_of_carrier_and_clients_are_open(hosts: lab.Hosts) -> None:
    lan = ("lan", lab.UNDERLAY["lan"])
    for port in (51820, 51821):
        assert hosts.heard(lan, ("hub", lab.UNDERLAY["hub"]), port=port, on=port) == lan[1]


def test_a_second_look_finds_what_was_applied(hosts: lab.Hosts, backend: str) -> None:
    seen = hosts.converge("hub", backend, HUB, (CLIENTS,))
    assert (seen["equal"], seen["faults"]) == (True, [])


def test_zz_nothing_of_ours_is_left(hosts: lab.Hosts, backend: str) -> None:
    hosts.converge("hub", backend, None)
    assert hosts.converge("hub", backend, None)["keys"] == []
    assert "weft" not in hosts.run("hub", "nft", "list", "ruleset")
