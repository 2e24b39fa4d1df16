"""Who reaches whom among containers and VPN clients, found out by packets: TCP and UDP, all pairs at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import cgroup, machine, traffic
from .clients import ROAD
from .paths import agent
from .shell import LabError, wait_until

TCP, UDP = "TCP", "UDP"


class Party(NamedTuple):
    """One that asks and answers. space: path of its network namespace, as the machine sees it."""

    name: str
    address: str
    space: str


class Probe(NamedTuple):
    """By names of parties."""

    source: str
    destination: str
    protocol: str
    port: int


def container(runner: str, name: str, ports: Iterable[int], *options: str) -> Party:
    """A container of that name on a runner's overlay, answering on these ports; one that runs already is kept."""
    address = traffic.run_container(runner, traffic.NETWORK, name, *options)
    return served(runner, name, address, ports)


def served(runner: str, name: str, address: str, ports: Iterable[int]) -> Party:
    """Has a container that runs answer on these ports; the services end with it."""
    pid = traffic.must(runner, "docker", "inspect", "-f", "{{.State.Pid}}", name).strip()
    for port in ports:
        unit = f"lab-echo-{name}-{port}-{pid}"
        if machine.execute(runner, "systemctl", "is-active", unit).returncode != 0:
            inside = ("nsenter", f"--net=/proc/{pid}/ns/net", "python3", "-c", agent("echo"), str(port))
            traffic.must(runner, "systemd-run", "--quiet", "--collect", "--unit", unit, *inside)
    return Party(name, address, f"{_root(runner)}/proc/{pid}/ns/net")


def pings(party: Party) -> tuple[int, int]:
    """How many echo requests it has got and sent since its network namespace began."""
    done = subprocess.run(
        ["nsenter", f"--net={party.space}", "cat", "/proc/net/snmp"], capture_output=True, text=True, check=False
    )
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("Icmp:")]
    if done.returncode != 0 or len(rows) != 2:
        raise LabError(f"{party.name}: its counters cannot be read: {done.stderr.strip()}")
    counted = dict(zip(*rows))
    return int(counted["InEchos"]), int(counted["OutEchos"])


def client(name: str, address: str) -> Party:
    """A VPN client of lab/clients.py at its address inside the tunnel; it answers where lab/reach.py lets it listen."""
    return Party(name, address, f"{_root(ROAD)}/run/netns/{name}")


def reached(parties: Sequence[Party], ports: Sequence[int], wait: float = 0.6) -> set[Probe]:
    """Everybody tries everybody else, both protocols, at once: those that were answered."""
    by_name = {party.name: party for party in parties}
    probes = [
        Probe(one.name, other.name, protocol, port)
        for one in parties
        for other in parties
        if one is not other
        for protocol in (TCP, UDP)
        for port in ports
    ]
    return {probe for probe, answer in ask(by_name, probes, wait).items() if answer is not None}


def ask(parties: dict[str, Party], probes: Sequence[Probe], wait: float = 0.6) -> dict[Probe, str | None]:
    """Of each probe the address that its destination saw, None where nothing came back for `wait` seconds."""
    asked = [
        (
            parties[probe.source].space,
            parties[probe.destination].address,
            probe.port if probe.protocol == TCP else [probe.port],
        )
        for probe in probes
    ]
    done = subprocess.run(
        [sys.executable, "-c", agent("probe")],
        input=json.dumps({"wait": wait, "probes": asked}),
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"the probes failed: {done.stderr.strip()}")
    return dict(zip(probes, json.loads(done.stdout)))


def everybody_answers(parties: Sequence[Party], ports: Sequence[int]) -> None:
    """Waits until each service hears somebody of its own namespace. Raises LabError."""
    by_name = {party.name: party for party in parties}
    probes = [Probe(party.name, party.name, way, port) for party in parties for way in (TCP, UDP) for port in ports]
    wait_until("the services in the containers", lambda: None not in ask(by_name, probes).values(), 20)


def _root(host: str) -> str:
    leader = cgroup.leader(host)
    if leader is None:
        raise LabError(f"{host} is not running")
    return f"/proc/{leader}/root"
