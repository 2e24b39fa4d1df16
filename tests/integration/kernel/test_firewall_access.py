# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients of WireGuard interfaces reach and what not, shown with packets of both families, in every back end.

Every refusal is first seen to pass without our rules. That a client cannot use another's address is WireGuard's doing,
and shown where there is WireGuard.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location("access_hosts", Path(__file__).with_name("access_hosts.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
lab = importlib.util.module_from_spec(_SPEC)
sys.modules["access_hosts"] = lab
_SPEC.loader.exec_module(lab)

BACKENDS = ("none", "iptables-nft", "iptables-legacy")
FAMILIES = (0, 1)

# What an operator and Docker have on the server: all is refused that nobody accepts, and a port leads into the box.
_FOREIGN = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i lo -j ACCEPT
{discovery}-A INPUT -p tcp -m tcp --dport 7000 -j ACCEPT
-A INPUT -p udp -m udp --dport 7000 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o dock -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d {box} ! -i dock -o dock -p tcp -m tcp --dport 7000 -j ACCEPT
-A FORWARD -i dock ! -o dock -j ACCEPT
COMMIT
"""
_PUBLISHED = """*nat
-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8080 -j DNAT --to-destination {to}:7000
COMMIT
"""
_DISCOVERY = "".join(f"-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT\n" for kind in (135, 136))

KINDS = {"tcp": ("tcp", 7000), "udp": ("udp", 7000), "ping": ("ping", 0), "resolver": ("udp", 53)}
ALL = set(KINDS)

# Client -> target -> what of it is answered; what is not here, is not. `host`: what the host's own firewall lets in.
REACHED = {
    "c-lan": {
        **dict.fromkeys(("lan", "hidden", "resolver"), ALL),
        "server in the lan": {"host", "resolver"},
        "server in the vpn": {"host", "ping"},
    },
    "c-internet": {
        "internet": ALL,
        "resolver": {"resolver"},
        "server in the lan": {"resolver"},
        "server in the vpn": {"ping"},
    },
    "c-full": {
        **dict.fromkeys(("lan", "resolver", "internet", "c-lan", "c-internet", "c-other"), ALL),
        "server in the lan": {"host", "resolver"},
        "server in the vpn": {"host", "ping"},
    },
    "c-wg1": {
        **dict.fromkeys(("lan", "hidden", "resolver", "internet"), ALL),
        "server in the lan": {"host", "resolver"},
        "server in the vpn": {"host"},
        "server in the other vpn": {"host", "ping"},
    },
}
# As whom a client is seen, where that is not its own address.
SEEN_AS = {
    ("c-internet", "internet"): "server in the internet",
    ("c-full", "internet"): "server in the internet",
    ("c-wg1", "internet"): "server in the internet",
    **{("c-wg1", name): "server in the lan" for name in ("lan", "hidden", "resolver")},
}


def tool(backend: str, family: int, verb: str = "") -> str:
    return f"ip{'6' if family else ''}tables-{'legacy' if backend == 'iptables-legacy' else 'nft'}{verb}"


def saved(hosts: Any, backend: str) -> list[str]:
    """Everything in iptables without dates and counters, and without tables that hold nothing."""
    found = []
    for family in FAMILIES:
        text = hosts.run("server", tool(backend, family, "-save"))
        text = re.sub(r"^#.*\n| \[\d+:\d+\]$", "", text, flags=re.MULTILINE)
        found += sorted(table for table in text.split("COMMIT\n") if "-A " in table or "DROP" in table)
    return found


def put_foreign(hosts: Any, backend: str) -> None:
    for family in FAMILIES:
        box = lab.ADDRESSES["box"][family]
        to = f"[{box}]" if family else box
        text = _PUBLISHED.format(to=to)
        if backend != "none":
            text += _FOREIGN.format(box=box, discovery=_DISCOVERY if family else "")
        hosts.run("server", tool(backend, family, "-restore"), "--noflush", text=text)


def table(hosts: Any, client: str) -> dict[tuple[str, str, int], str | None]:
    """(target, kind, family) -> what came back, for everything there is."""
    asked = {
        (target, kind, family): (way, lab.ADDRESSES[client][family], addresses[family], port)
        for target, addresses in lab.ADDRESSES.items()
        for kind, (way, port) in KINDS.items()
        for family in FAMILIES
        if target != client
    }
    return dict(zip(asked, hosts.ask(client, list(asked.values()))))


def expected(client: str, target: str, kind: str, family: int, backend: str) -> str | None:
    allowed = REACHED[client].get(target, set())
    own = "host" in allowed and (backend == "none" or kind in {"tcp", "udp"})
    if kind not in allowed and not own:
        return None
    answering = target if kind == "ping" else SEEN_AS.get((client, target), client)
    found: str = lab.ADDRESSES[answering][family]
    return found


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def hosts(backend: str) -> Iterator[Any]:
    """Foreign rules and ours; what was answered before either came is in ``before``."""
    made = lab.Hosts()
    try:
        made.build()
        made.before = {client: table(made, client) for client in REACHED}
        put_foreign(made, backend)
        made.foreign = saved(made, backend)
        made.converge(backend, lab.WG0, lab.WG1)
        yield made
    finally:
        made.remove()


@pytest.mark.parametrize("client", REACHED)
def test_a_client_reaches_what_its_profile_says_and_nothing_else(hosts: Any, client: str, backend: str) -> None:
    assert [key for key, found in hosts.before[client].items() if found is None] == []
    found = table(hosts, client)
    assert found == {key: expected(client, *key, backend) for key in found}


def test_nobody_begins_a_conversation_with_a_client_but_the_server(hosts: Any) -> None:
    target = lab.ADDRESSES["c-full"]
    asked = [("tcp", 7000), ("udp", 7000), ("udp", 53), ("ping", 0)]
    for host, refused in (("lan", True), ("internet", True), ("box", True), ("c-wg1", True), ("server", False)):
        own = lab.ADDRESSES.get(host, lab.ADDRESSES["server in the vpn"])
        found = hosts.ask(host, [(kind, own[six], target[six], port) for six in FAMILIES for kind, port in asked])
        assert [answer is None for answer in found] == [refused] * len(found), host


def test_addresses_of_no_client_are_refused_and_so_are_clients_by_another_link(hosts: Any, backend: str) -> None:
    forged = ("10.8.0.77", "fd08::77", "10.9.0.77", "fd09::77", "198.18.0.77", "fd00:18::77", "10.8.0.78", "fd08::78")
    ways = {host: forged[:6] if host == "c-lan" else forged[6:] for host in ("c-lan", "lan")}
    for host, addresses in ways.items():
        for address in addresses:
            bits = 128 if ":" in address else 32
            hosts.batch(host, f"addr add {address}/{bits} dev e" + " nodad" * (bits == 128))
            link = "wg0" if host == "c-lan" else "inside"
            hosts.batch("server", f"route add {address} dev {link}")
            if host == "c-lan":
                hosts.meet(address, link, "02:00:00:00:00:02")

    def heard(host: str, to: str) -> list[str | None]:
        found: list[str | None] = hosts.ask(
            host, [("udp", address, lab.ADDRESSES[to][":" in address]) for address in ways[host]]
        )
        return found

    assert set(heard("c-lan", "lan") + heard("lan", "server in the lan")) == {None}
    hosts.converge(backend)
    if backend == "none":
        assert heard("c-lan", "lan")[:4] == list(forged[:4])
    assert heard("lan", "server in the lan") == list(forged[6:])
    hosts.converge(backend, lab.WG0, lab.WG1)


def test_segments_fit_into_the_tunnel_both_ways_and_are_never_made_longer(hosts: Any) -> None:
    for client, sizes in (("c-full", ("1380 1380", "1360 1360")), ("c-wg1", ("1260 1260", "1240 1240"))):
        ways = [(lab.ADDRESSES[client][six], lab.ADDRESSES["lan"][six]) for six in FAMILIES]
        assert hosts.ask(client, [("mss", *way) for way in ways]) == list(sizes)
        # What is asked for is what the other end sends at most.
        short = hosts.ask(client, [("mss", *way, 7000, 900) for way in ways])
        assert [sizes.split()[0] for sizes in short] == ["900", "900"]


def test_wireguards_ports_are_open_to_everybody(hosts: Any, backend: str) -> None:
    own, server = lab.ADDRESSES["internet"], lab.ADDRESSES["server in the internet"]
    for port, is_open in ((51820, True), (51821, True), (51999, backend == "none")):
        asked = [("udp", own[six], server[six], port) for six in FAMILIES]
        assert [found is not None for found in hosts.ask("internet", asked)] == [is_open] * 2, port


def test_a_published_port_is_a_service_of_the_server(hosts: Any) -> None:
    """It is the address that the client wrote which counts, not where the host sends it."""
    for client, target, through in (
        ("c-lan", "server in the vpn", True),
        ("c-lan", "server in the lan", True),
        ("c-lan", "server in the internet", False),
        ("c-internet", "server in the vpn", False),
        ("c-internet", "server in the internet", False),
    ):
        ways = [(lab.ADDRESSES[client][six], lab.ADDRESSES[target][six]) for six in FAMILIES]
        found = hosts.ask(client, [("tcp", *way, 8080) for way in ways])
        assert found == [own if through else None for own, _to in ways], (client, target)


def test_a_client_that_may_reach_less_loses_what_it_has_open(hosts: Any, backend: str) -> None:
    narrow = lab.reach("internet", "c-internet", "c-full", internet=True)
    ways = [(lab.ADDRESSES["c-full"][six], lab.ADDRESSES["lan"][six]) for six in FAMILIES]
    for accesses in ((lab.WG0._replace(reaches=(narrow,)), lab.WG1), (lab.WG0._replace(reaches=()), lab.WG1)):
        for way in ways:
            with hosts.probe("c-full", "hold", *way) as probe:
                assert lab.say(probe) == "came back"
                hosts.converge(backend, *accesses)
                assert lab.say(probe) == "nothing"
                hosts.converge(backend, lab.WG0, lab.WG1)


def test_a_swap_in_the_middle_of_a_transfer_loses_nothing(hosts: Any, backend: str) -> None:
    one_more = lab.reach("new", "c-lan", "c-internet", internet=True)
    other = lab.WG0._replace(reaches=(one_more, *lab.WG0.reaches[2:]))
    with (
        hosts.probe("c-full", "stream", lab.ADDRESSES["c-full"][0], lab.ADDRESSES["internet"][0], "4") as four,
        hosts.probe("c-other", "stream", lab.ADDRESSES["c-other"][1], lab.ADDRESSES["lan"][1], "4") as six,
    ):
        for _time in range(4):
            hosts.converge(backend, other, lab.WG1)
            hosts.converge(backend, lab.WG0, lab.WG1)
        for probe in (four, six):
            assert probe.stdout is not None
            sent, came = probe.stdout.readline().split()
            assert int(sent) > 1000
            assert came == sent


def test_a_second_look_finds_what_was_applied(hosts: Any, backend: str) -> None:
    seen = hosts.converge(backend, lab.WG0, lab.WG1)
    assert (seen["equal"], seen["faults"]) == (True, [])
    assert seen["keys"] == ["nft" if backend == "none" else backend]


def test_what_somebody_flushes_or_adds_is_a_difference_and_mended(hosts: Any, backend: str) -> None:
    four, six = (tool(backend, family) for family in FAMILIES)
    nft = (
        ("nft", "flush chain inet weft_overlay reach_wg0_0"),
        ("nft", "insert rule inet weft_overlay leave_wg0 accept"),
        ("nft", "delete chain inet weft_overlay access_nat"),
    )
    iptables = (
        (four, "-t", "mangle", "-F", "WEFT-L-wg0"),
        (six, "-t", "mangle", "-I", "WEFT-C-wg1", "-j", "RETURN"),
        (six, "-D", "FORWARD", "2"),
        (four, "-t", "mangle", "-F", "PREROUTING"),
    )
    for command in nft if backend == "none" else iptables:
        hosts.run("server", *command)
        assert not hosts.converge(backend, lab.WG0, lab.WG1)["equal"], command
        assert hosts.converge(backend, lab.WG0, lab.WG1)["equal"], command
    if backend != "none":
        # What others put above our calls is theirs.
        hosts.run("server", six, "-I", "FORWARD", "-j", "DOCKER-USER")
        assert hosts.converge(backend, lab.WG0, lab.WG1)["equal"]
        hosts.run("server", six, "-D", "FORWARD", "1")


def test_a_thousand_clients(hosts: Any, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They work, and what they cost is printed."""
    many = [f"10.8.{number // 256}.{number % 256}" for number in range(16, 1016)]
    many += [f"fd08::{number:x}" for number in range(16, 1016)]
    crowd = lab.Reach("crowd", tuple(many), internet=True)
    wide = lab.WG0._replace(subnets=("10.8.0.0/16", "fd08::/64"), reaches=(*lab.WG0.reaches, crowd))
    own, target = lab.ADDRESSES["c-full"][0], lab.ADDRESSES["internet"][0]

    def flood() -> float:
        text = hosts.run("c-full", "ping", "-q", "-f", "-c", "20000", "-I", own, target)
        found = re.search(r"received, 0% packet loss, time (\d+)ms", text)
        assert found is not None, text
        return float(found.group(1)) / 20

    few = flood()
    load = hosts.converge(backend, wide, lab.WG1)["seconds"]
    again = hosts.converge(backend, wide, lab.WG1)
    assert again["equal"]
    full = flood()
    with capsys.disabled():
        print(
            f"\n{backend}: 1000 clients load in {load:.2f} s; a ping takes {few:.1f} µs with 5 and {full:.1f} with 1000"
        )
    hosts.converge(backend, lab.WG0, lab.WG1)


def test_zz_nothing_of_ours_is_left_and_foreign_rules_are_as_they_were(hosts: Any, backend: str) -> None:
    hosts.converge(backend)
    assert hosts.converge(backend)["keys"] == []
    assert saved(hosts, backend) == hosts.foreign
    assert "weft" not in hosts.run("server", "nft", "list", "ruleset")
