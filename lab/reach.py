"""What a VPN client reaches, found out by packets: the truth table of client × destination × family × protocol."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from . import clients, traffic
from . import host as hosts
from .paths import agent
from .shell import LabError, wait_until

IPV4, IPV6 = "ipv4", "ipv6"
FAMILIES = (IPV4, IPV6)
ICMP, TCP = "icmp", "tcp"
PROTOCOLS = (ICMP, TCP)
ECHO = 8080
HOSTS = {"lan": "hub", "nas": "nas1", "router": "router", "internet": "internet"}


class Destination(NamedTuple):
    """Where a client may want to go. port: of the TCP service that answers there."""

    ipv4: str
    ipv6: str
    port: int = ECHO


class Case(NamedTuple):
    """One field of the truth table, by names."""

    client: str
    destination: str
    family: str
    protocol: str


def host_destination(name: str, port: int = ECHO) -> Destination:
    host = hosts.load(name)
    return Destination(host.address, host.address6, port)


def destinations() -> dict[str, Destination]:
    """The hosts of the lab that clients ask for; all of them echo."""
    return {name: host_destination(host) for name, host in HOSTS.items()}


def serve() -> None:
    """The services that the destinations need, past firewalld too; the clients' own come with listen()."""
    for name in HOSTS.values():
        traffic.serve_echo(name)
        if hosts.load(name).firewall == "firewalld":
            for zone in ("public", "internal"):
                for lasting in ("", " --permanent"):
                    traffic.must(name, *f"firewall-cmd -q{lasting} --zone={zone} --add-port={ECHO}/tcp".split())


def listen(client: str) -> Destination:
    """Let a client answer too, and return where: at the addresses inside its tunnel."""
    shown = clients.must(client, "ip", "-j", "address", "show", "dev", clients.link(client))
    inside = [entry["local"] for entry in json.loads(shown)[0]["addr_info"] if entry["scope"] == "global"]
    if "8080" not in clients.must(client, "ss", "-ltn"):
        start = 'setsid python3 -c "$1" </dev/null >/dev/null 2>&1 &'
        clients.must(client, "sh", "-c", start, "sh", agent("echo"))
        wait_until(f"{client} to listen", lambda: "8080" in clients.must(client, "ss", "-ltn"), 5)
    return Destination(*(next((one for one in inside if (":" in one) == six), "") for six in (False, True)))


def ask(cases: Iterable[Case], to: Mapping[str, Destination], wait: float = 1.6) -> dict[Case, str | None]:
    """Try everything at once, until nothing has come back for `wait` seconds.

    Of each case None where nothing came back; otherwise what did: the address that the destination saw, "" of a ping.
    """
    listed = list(cases)
    probes = [(case.client, getattr(to[case.destination], case.family), _port(case, to)) for case in listed]
    asked = json.dumps({"wait": wait, "probes": probes})
    return dict(zip(listed, json.loads(clients.must(clients.ROAD, "python3", "-c", agent("probe"), stdin=asked))))


def probe(client: str, destination: Destination, family: str, protocol: str) -> bool:
    """Whether one client reaches one destination."""
    case = Case(client, "it", family, protocol)
    return ask([case], {"it": destination})[case] is not None


def table(names: Iterable[str], to: Mapping[str, Destination]) -> dict[Case, str | None]:
    """ask() of every client, destination, family and protocol."""
    return ask(
        [
            Case(name, there, family, protocol)
            for name in names
            for there in to
            for family in FAMILIES
            for protocol in PROTOCOLS
        ],
        to,
    )


def wrong(found: Mapping[Case, str | None], wanted: Mapping[str, Container[tuple[str, str]]]) -> list[str]:
    """What of a table is not as wanted (client → the (destination, protocol) that it may reach), in words."""
    lines = []
    for case, answer in found.items():
        reached = answer is not None
        if reached != ((case.destination, case.protocol) in wanted[case.client]):
            way = f"{case.destination} by {case.family} {case.protocol}"
            lines.append(f"{case.client} {'reached' if reached else 'did not reach'} {way}")
    return lines


def _port(case: Case, to: Mapping[str, Destination]) -> str | int:
    if case.protocol == ICMP:
        return ICMP
    if case.protocol == TCP:
        return to[case.destination].port
    raise LabError(f"{case.protocol} is neither {ICMP} nor {TCP}")
