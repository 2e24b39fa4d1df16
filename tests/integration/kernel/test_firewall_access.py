# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients of WireGuard interfaces reach and what not, shown with packets of both families, in every back end.

Every refusal is first seen to pass without our rules. That a client cannot use another's address is WireGuard's doing,
and shown where there is WireGuard.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.weft.overlay.tests.integration.kernel import access_hosts as lab
from ansible_collections.weft.overlay.tests.integration.kernel.access_server import BACKENDS, FAMILIES, serving

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


def table(hosts: lab.Hosts, client: str) -> dict[tuple[str, str, int], str | None]:
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


BEFORE: dict[str, dict[tuple[str, str, int], str | None]] = {}
"""What was answered before there was any rule."""


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def hosts(backend: str) -> Iterator[lab.Hosts]:
    def look(made: lab.Hosts) -> None:
        BEFORE.update({client: table(made, client) for client in REACHED})

    with serving(backend, look) as made:
        yield made


@pytest.mark.parametrize("client", REACHED)
def test_a_client_reaches_what_its_profile_says_and_nothing_else(hosts: lab.Hosts, client: str, backend: str) -> None:
    assert [key for key, found in BEFORE[client].items() if found is None] == []
    found = table(hosts, client)
    assert found == {key: expected(client, *key, backend) for key in found}


def test_nobody_begins_a_conversation_with_a_client_but_the_server(hosts: lab.Hosts) -> None:
    target = lab.ADDRESSES["c-full"]
    asked = [("tcp", 7000), ("udp", 7000), ("udp", 53), ("ping", 0)]
    for host, refused in (("lan", True), ("internet", True), ("box", True), ("c-wg1", True), ("server", False)):
        own = lab.ADDRESSES.get(host, lab.ADDRESSES["server in the vpn"])
        found = hosts.ask(host, [(kind, own[six], target[six], port) for six in FAMILIES for kind, port in asked])
        assert [answer is None for answer in found] == [refused] * len(found), host


def test_addresses_of_no_client_are_refused_and_so_are_clients_by_another_link(hosts: lab.Hosts, backend: str) -> None:
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


def test_segments_fit_into_the_tunnel_both_ways_and_are_never_made_longer(hosts: lab.Hosts) -> None:
    for client, sizes in (("c-full", ("1380 1380", "1360 1360")), ("c-wg1", ("1260 1260", "1240 1240"))):
        ways = [(lab.ADDRESSES[client][six], lab.ADDRESSES["lan"][six]) for six in FAMILIES]
        assert hosts.ask(client, [("mss", *way) for way in ways]) == list(sizes)
        # What is asked for is what the other end sends at most.
        short = hosts.ask(client, [("mss", *way, 7000, 900) for way in ways])
        assert [sizes.split()[0] for sizes in short] == ["900", "900"]


def test_wireguards_ports_are_open_to_everybody(hosts: lab.Hosts, backend: str) -> None:
    own, server = lab.ADDRESSES["internet"], lab.ADDRESSES["server in the internet"]
    for port, is_open in ((51820, True), (51821, True), (51999, backend == "none")):
        asked = [("udp", own[six], server[six], port) for six in FAMILIES]
        assert [found is not None for found in hosts.ask("internet", asked)] == [is_open] * 2, port


def test_a_published_port_is_a_service_of_the_server(hosts: lab.Hosts) -> None:
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
