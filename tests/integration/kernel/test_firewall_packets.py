# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each back end lets through and what not, shown with packets. Every refusal is first seen to pass without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ansible_collections.weft.overlay.tests.integration.kernel import firewall_hosts as lab

BACKENDS = ("none", "iptables-nft", "iptables-legacy")
C1, C2, LAN, HUB = ("c1", "10.1.0.2"), ("c2", "10.2.0.2"), ("lan", "198.18.9.99"), ("hub", "10.0.0.1")

# Of the runner, and of whoever says something to it.
PAST = {"ipv4": ("198.18.9.11", "10.1.0.2"), "ipv6": ("fd00:18::11", "fd00:66::2")}

# What an operator and Docker have on a runner: all is refused that nobody accepts. And on the hub, far too much is not.
_RUNNER_RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p icmp -j ACCEPT
-A INPUT -p udp -m udp --dport 7100 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -i docker0 -m comment --comment "not ours" -j DROP
-A DOCKER-USER -s 203.0.113.0/24 -j DROP
COMMIT
"""
_PUBLISHED = """*nat
-A PREROUTING -i u -p udp -m udp --dport 8080 -j DNAT --to-destination 10.1.0.2:7000
COMMIT
"""
_HUB_RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -i vxkr+ -j ACCEPT
-A INPUT -s 198.18.9.66/32 -p udp -m udp --dport 4789 -j ACCEPT
-A FORWARD -i vxkr+ -j ACCEPT
-A FORWARD -o vxkr+ -j ACCEPT
COMMIT
"""


def saved(hosts: lab.Hosts, host: str, backend: str) -> list[str]:
    """iptables-save without its dates and counters, and without tables that hold nothing."""
    tool = "legacy" if backend == "iptables-legacy" else "nft"
    text = re.sub(r"^#.*\n| \[\d+:\d+\]$", "", hosts.run(host, f"iptables-{tool}-save"), flags=re.MULTILINE)
    tables = [table for table in text.split("COMMIT\n") if "-A " in table or "DROP" in table]
    return sorted(tables)


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def hosts(backend: str) -> Iterator[lab.Hosts]:
    """The overlay, with the foreign rules and ours; what passed before ours came is in ``before``."""
    made = lab.Hosts()
    try:
        made.build()
        # A device of somebody else's on the same port.
        made.batch("hub", "link add other type vxlan id 77 local 198.18.9.10 dstport 4789", "link set other up")
        # The overlay has no IPv6, but a port of the bridge speaks what its container does.
        made.run("r1", "sysctl", "-qw", "net.ipv6.conf.c.disable_ipv6=0", "net.ipv6.conf.u.disable_ipv6=0")
        made.batch("r1", f"addr add {PAST['ipv6'][0]}/128 dev u nodad")
        made.before = forbidden(made)
        made.past = {family: made.framed(("c1", PAST[family][1]), ("r1", PAST[family][0]), 7100) for family in PAST}
        tool = "iptables-legacy-restore" if backend == "iptables-legacy" else "iptables-nft-restore"
        made.run("r1", tool, "--noflush", text=_PUBLISHED)
        if backend != "none":
            made.run("hub", tool, "--noflush", text=_HUB_RULES)
            for name in ("r1", "r2"):
                made.run(name, tool, "--noflush", text=_RUNNER_RULES)
        made.foreign = {name: saved(made, name, backend) for name in ("hub", "r1", "r2")}
        for name, plan in (("hub", lab.HUB), ("r1", lab.runner(1)), ("r2", lab.runner(2))):
            made.converge(name, backend, plan)
        yield made
    finally:
        made.remove()


def forbidden(hosts: lab.Hosts) -> dict[str, bool]:
    """Attempts that must fail, each with whether it came through."""
    hosts.batch("c2", "addr add 10.1.0.9/32 dev e", "addr add 192.0.2.5/32 dev e")
    hosts.batch("c1", "route replace 198.18.9.99 via 10.1.0.254")
    hosts.batch("lan", "route replace 10.2.0.0/16 via 198.18.9.12", "route replace 10.1.0.0/16 via 198.18.9.10")
    got = {
        "an unknown remote uses our VNI": hosts.tunnelled("rogue", 101, "vxkr1"),
        "the remote of one tunnel uses another's VNI": hosts.tunnelled("r2", 101, "vxkr1"),
        "an unknown remote hides our VNI in a fragment": hosts.tunnelled("rogue", 101, "vxkr1", "split"),
        "a container uses an address of another runner": hosts.heard(("c2", "10.1.0.9"), C1) != "nothing",
        "a container uses an address outside the overlay": hosts.heard(("c2", "192.0.2.5"), C1) != "nothing",
        "a container uses the hub as its gateway": hosts.heard(C1, LAN) != "nothing",
        "the underlay enters through a runner": hosts.heard(LAN, C2) != "nothing",
        "the underlay enters through the hub": hosts.heard(LAN, C1) != "nothing",
    }
    hosts.batch("c2", "addr del 10.1.0.9/32 dev e", "addr del 192.0.2.5/32 dev e")
    hosts.batch("c1", "route del 198.18.9.99")
    hosts.batch("lan", "route del 10.2.0.0/16", "route del 10.1.0.0/16")
    return got


@pytest.mark.fault("F51")
def test_what_must_not_pass_passes_only_without_our_rules(hosts: lab.Hosts) -> None:
    assert set(hosts.before.values()) == {True}, hosts.before
    after = forbidden(hosts)
    assert set(after.values()) == {False}, after


@pytest.mark.parametrize("family", PAST)
def test_what_a_bridge_hands_to_the_host_past_itself_is_not_heard(hosts: lab.Hosts, family: str) -> None:
    """Only pause frames and those for the bridge itself go no way anyhow."""
    assert hosts.past[family] >= 13
    assert hosts.framed(("c1", PAST[family][1]), ("r1", PAST[family][0]), 7100) == 0
    assert hosts.heard(C1, ("r1", PAST["ipv4"][0]), port=7100, on=7100) == C1[1]


def test_containers_of_two_runners_reach_each_other_with_their_own_addresses(hosts: lab.Hosts) -> None:
    assert hosts.heard(C1, C2) == "10.1.0.2"
    assert hosts.heard(C2, C1) == "10.2.0.2"


def test_a_container_reaches_a_service_on_the_hub(hosts: lab.Hosts) -> None:
    assert hosts.heard(C1, HUB) == "10.1.0.2"


def test_a_container_reaches_the_internet_with_its_runners_address(hosts: lab.Hosts) -> None:
    assert hosts.heard(C1, LAN) == "198.18.9.11"
    # The way back of the same flow.
    hosts.run("c1", "ping", "-c1", "-W1", LAN[1])


def test_a_published_port_is_reached_from_the_underlay(hosts: lab.Hosts) -> None:
    assert hosts.heard(LAN, ("r1", "198.18.9.11"), at="c1", port=8080) == "198.18.9.99"


def test_a_known_remote_is_heard_and_a_foreign_tunnel_left_alone(hosts: lab.Hosts) -> None:
    assert hosts.tunnelled("r1", 101, "vxkr1")
    assert hosts.tunnelled("r1", 101, "vxkr1", "split")
    assert hosts.tunnelled("rogue", 77, "other")


def test_a_runner_sends_its_containers_no_redirects(hosts: lab.Hosts) -> None:
    def redirects() -> int:
        text = hosts.run("c1", "cat", "/proc/net/snmp")
        names, values = (line.split() for line in text.splitlines() if line.startswith("Icmp:"))
        return int(values[names.index("InRedirects")])

    before = redirects()
    hosts.run("c1", "ping", "-c3", "-i0.2", "-W1", C2[1])
    assert redirects() == before


def test_a_second_look_finds_what_was_applied_and_nothing_in_the_way(hosts: lab.Hosts, backend: str) -> None:
    for name, plan in (("hub", lab.HUB), ("r1", lab.runner(1)), ("r2", lab.runner(2))):
        seen = hosts.converge(name, backend, plan)
        assert seen["equal"]
        assert seen["faults"] == []
        assert seen["keys"] == ["nft" if backend == "none" else backend]


def test_what_was_removed_by_somebody_is_a_difference(hosts: lab.Hosts, backend: str) -> None:
    tool = "iptables-legacy" if backend == "iptables-legacy" else "iptables-nft"
    undo = {
        "none": ("nft", "flush", "chain", "inet", "weft_overlay", "scope_guard"),
        "iptables-nft": (tool, "-F", "WEFT-FORWARD"),
        "iptables-legacy": (tool, "-F", "WEFT-FORWARD"),
    }
    hosts.run("r1", *undo[backend])
    assert not hosts.converge("r1", backend, lab.runner(1))["equal"]
    assert hosts.converge("r1", backend, lab.runner(1))["equal"]


def test_zz_nothing_of_ours_is_left_and_foreign_rules_are_as_they_were(hosts: lab.Hosts, backend: str) -> None:
    for name in ("hub", "r1", "r2"):
        hosts.converge(name, backend, None)
        assert hosts.converge(name, backend, None)["keys"] == []
        assert saved(hosts, name, backend) == hosts.foreign[name]
        assert "weft" not in hosts.run(name, "nft", "list", "ruleset")
