"""What clients, servers and the wires see when the plane stands."""

from __future__ import annotations

import time

import pytest

from lab import clients, flow, machine, plane, reach, traffic, wg
from lab.paths import agent
from lab.reach import FAMILIES, ICMP, PROTOCOLS, TCP, Case
from lab.shell import wait_until

OTHER = "full7"  # the client that the others look for
ASKING = tuple(name for name in plane.ON_ROUTER if name != OTHER)


@pytest.fixture(scope="module", autouse=True)
def _clients():
    plane.start(*plane.ON_ROUTER, *plane.ON_NAS)


def _key(name):
    return clients.public_key(name)


def test_20_clients_of_the_router_have_shaken_hands_and_passed_traffic_in_both_families():
    peers = wg.peers("router", "wg0")
    for name in plane.ON_ROUTER:
        seen = peers[_key(name)]
        assert 0 < time.time() - seen.handshake < 120, name
        assert seen.received > 0, name
        assert seen.sent > 0, name
        assert seen.endpoint.startswith(clients.address(name) + ":"), name
    cases = [Case(name, "tunnel", family, ICMP) for name in plane.ON_ROUTER for family in FAMILIES]
    assert None not in reach.ask(cases, {"tunnel": plane.gateway(OTHER)}).values()


@pytest.mark.parametrize("number", range(1, 16))
def test_a_client_of_each_interface_of_the_nas_reaches_the_lan(number):
    name = f"bench{number}"
    assert wg.peers("nas1", f"wg{number}")[_key(name)].handshake
    families = {14: ("ipv4",), 15: ("ipv6",)}.get(number, FAMILIES)
    cases = [Case(name, there, family, way) for there in ("lan", "nas") for family in families for way in PROTOCOLS]
    found = reach.ask(cases, plane.destinations(OTHER))
    assert None not in found.values(), reach.wrong(found, {name: {("lan", ICMP), ("lan", TCP)}})


def test_the_lan_sees_the_nas_itself_where_it_knows_no_way_back():
    with traffic.captured("icmp and dst host 198.18.0.10") as lines:
        clients.execute("bench1", "ping", "-c1", "-W2", "198.18.0.10")
    assert lines
    assert all("198.18.0.2 > 198.18.0.10" in line for line in lines)


@pytest.mark.fault("F38", "F48")
def test_every_profile_reaches_what_it_says_and_nothing_else():
    """The whole truth table, of clients that use what they were given."""
    to = plane.destinations(OTHER)
    found = reach.table(ASKING, to)
    direct = {}
    for case in [case for case in found if case.destination == "internet" and case.client in plane.LAN]:
        answer = found.pop(case)
        if case.protocol == TCP:
            direct.setdefault(case.client, set()).add(answer)
    assert reach.wrong(found, {name: plane.may_reach(name) for name in ASKING}) == []
    # Split tunnels: to the internet they go by themselves, with their own addresses.
    for name, seen in direct.items():
        own = clients.address(name)
        assert seen == {own, "2001:2:0:1a::" + own.rpartition(".")[2]}


@pytest.mark.fault("F41")
def test_a_client_that_widens_its_allowed_ips_gains_nothing():
    """The whole truth table again: everything that they send goes to the server, and that decides."""
    with plane.sending_everything(*ASKING):
        assert plane.faults(ASKING, OTHER) == []


def test_every_client_may_ask_the_resolvers_and_only_for_names():
    """Port 53 of the NAS, and of no other host; what else the NAS has is not for a profile without the lan."""
    traffic.must("nas1", "systemd-run", "--unit", "lab-dns", "python3", "-c", agent("echo"), "53")
    wait_until("it to listen", lambda: ":53 " in traffic.must("nas1", "ss", "-ltn"), 5)
    to = reach.destinations()
    to = {"resolver": to["nas"]._replace(port=53), "nas": to["nas"], "lan": to["lan"]._replace(port=53)}
    try:
        found = reach.table(["net1", "lan1"], to)
        asked = [clients.execute("net1", "sh", "-c", f"echo x | nc -u -w1 {one} 53").stdout for one in to["nas"][:2]]
    finally:
        traffic.must("nas1", "systemctl", "stop", "lab-dns")
    reached = {(case.destination, case.family) for case in found if found[case] and case.client == "net1"}
    assert reached == {("resolver", "ipv4"), ("resolver", "ipv6")}
    assert asked == list(plane.inside("net1")[:2])


@pytest.mark.parametrize(
    ("name", "target"),
    [("full1", "198.18.0.2"), ("full1", "fd00:18::2"), ("bench2", "198.18.0.2"), ("bench3", "fd00:18::2")],
)
def test_30_megabytes_arrive_whole(name, target):
    reach.serve()
    with flow.transfer(name, target, 30) as deliveries:
        pass
    assert deliveries[0].whole


@pytest.mark.fault("F40")
@pytest.mark.parametrize("name", ["full1", "bench3", "bench10"])
def test_the_largest_packet_passes_whole_and_nothing_is_cut_on_the_wire(name):
    mtu = int(wg.setting(plane.conf(name), "MTU")[0])
    four, six = plane.gateway(name)[:2]
    with traffic.captured("udp and (ip[6:2] & 0x3fff != 0 or ip6[6] == 44)", "lab1") as cut:
        for target, head in ((four, 28), (six, 48)):
            fits = clients.execute(name, "ping", "-c2", "-i0.2", "-W1", "-M", "do", "-s", str(mtu - head), target)
            assert fits.returncode == 0, fits.stdout
            longer = clients.execute(name, "ping", "-c1", "-W1", "-M", "do", "-s", str(mtu - head + 1), target)
            assert "too long" in (longer.stdout + longer.stderr).lower()
    assert cut == []


def test_the_server_makes_segments_fit_its_tunnel():
    """Also those of a client that took the wrong MTU: what it offers is more than the tunnel carries."""
    clients.start("full1", wg.with_setting(plane.conf("full1"), "MTU", "1500"))
    plane.shake("full1")
    syn = "tcp[tcpflags] & tcp-syn != 0 and dst host 198.18.0.2"
    with traffic.captured(syn, "lab0") as lines, flow.transfer("full1", "198.18.0.2", 1) as deliveries:
        pass
    plane.start("full1")
    assert deliveries[0].whole
    sizes = {int(line.partition("mss ")[2].partition(",")[0]) for line in lines if "mss " in line}
    assert sizes == {1420 - 40}


@pytest.mark.fault("F41")
def test_forged_sources_reach_nobody():
    """The addresses of another client, of the server, of a host, and of nobody, beside its own that do arrive."""
    name, link, other, own = "lan1", clients.link("lan1"), plane.inside("full1"), plane.inside("lan1")
    forged = [other.ipv4, "172.27.0.1", "172.27.0.200", "198.18.0.10", other.ipv6, "fd00:27::200"]
    script = [f"ip address add {source} dev {link} nodad" for source in forged if ":" in source]
    script += [f"ip address add {source} dev {link}" for source in forged if ":" not in source]
    for source in (*forged, own.ipv4, own.ipv6):
        script.append(f"ping -c3 -i0.1 -W1 -I {source} {'fd00:18::2' if ':' in source else '198.18.0.2'} >/dev/null &")
    script.append("wait")
    script += [f"ip address delete {source}/{128 if ':' in source else 32} dev {link}" for source in forged]
    with traffic.captured("(icmp or icmp6) and (dst host 198.18.0.2 or dst host fd00:18::2)", "lab0") as lines:
        clients.must(name, "sh", "-c", "\n".join(script))
    arrived = {words[at - 1] for words in map(str.split, lines) for at, word in enumerate(words) if word == ">"}
    assert {own.ipv4, own.ipv6} <= arrived
    assert not arrived & set(forged)


@pytest.mark.parametrize("name", ["hub", "nas1"])
def test_nobody_outside_begins_a_conversation_with_a_client(name):
    reach.listen(OTHER)
    tries = [f"{how} {target}{port}" for target in plane.inside(OTHER)[:2]
             for how, port in (("ping -c1 -W1", ""), ("nc -z -w1", " 8080"))]  # fmt: skip
    script = " & ".join(f"({one} >/dev/null && echo '{one}')" for one in tries)
    assert machine.execute(name, "sh", "-c", f"{script} & wait").stdout == ""


def test_a_managed_peer_reaches_the_lan_by_its_tunnel():
    for target in ("198.18.0.10", "fd00:18::10"):
        with traffic.captured(f"host {target} and (icmp or icmp6)", "lab1") as outside:
            assert machine.execute("peer1", "ping", "-c2", "-i0.2", "-W1", target).returncode == 0
        assert outside == []
