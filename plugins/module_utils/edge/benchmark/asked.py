# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What somebody asked a benchmark for, checked against the plans, and turned into turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...measure import schedule, work
from ...measure.schedule import Selection, Target
from ...model.errors import Fault, MeasureError
from ...model.plan import HostPlan
from .files import digests


class Asked(NamedTuple):
    """client: inventory name. interfaces: all there are, where none is named. baseline: None: the first of them.

    interval: seconds between two pings. seed: of the order of turns.
    """

    client: str
    interfaces: tuple[str, ...]
    baseline: str | None
    rounds: int
    seconds: int
    pings: int
    interval: float
    port: int
    seed: int


# Lowest and highest that make sense; root may send a ping every two milliseconds.
_RANGES = {"rounds": (1, 1000), "seconds": (1, 3600), "pings": (1, 100000), "interval": (0.002, 10), "port": (1, 65535)}
# Seconds that a turn takes besides its work: a connection, a start of Python.
_OVERHEAD = 5


def faults_of(asked: Asked, known: set[str]) -> list[Fault]:
    """What is wrong without any plan. known: hosts of the inventory."""
    faults = []
    if asked.client not in known:
        faults.append(Fault("client", asked.client, "is not in the inventory; say -e client=<host of a managed peer>"))
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(asked, name) <= high:
            faults.append(Fault(name, str(getattr(asked, name)), f"is not between {low} and {high}"))
    return faults


def turns_of(asked: Asked, plans: Mapping[str, HostPlan]) -> dict[str, Any]:
    """What the tasks loop over, as JSON data. Raises MeasureError.

    targets: {interface: Target}. rounds: order of each. turns: [{round, interface, target}]. hosts: [{host, peers}].
    servers: [{host, listeners}]. load: work.Settings. settings: all that was asked. idle: seconds without a test
    after which a server's end may take the run for dead. lines: for the reader.
    """
    selection = schedule.select(plans, asked.client, asked.interfaces)
    targets = {target.interface: target for target in selection.targets}
    baseline = asked.baseline or next(iter(targets))
    if baseline not in targets:
        raise MeasureError((Fault("baseline", baseline, f"is not measured; {', '.join(targets)} are"),))
    load = work.Settings(asked.seconds, asked.pings, asked.interval, asked.port)
    orders = schedule.rounds(list(targets), asked.rounds, asked.seed)
    turns = [(number, name) for number, order in enumerate(orders, start=1) for name in order]
    servers = [targets[name].server for _number, name in turns]
    data = {name: target.to_data() for name, target in targets.items()}
    return {
        "targets": data,
        "rounds": [list(order) for order in orders],
        "turns": [{"round": number, "interface": name, "target": data[name]} for number, name in turns],
        "hosts": _hosts(asked.client, selection.targets),
        "servers": _servers(selection.targets),
        "load": load._asdict(),
        "settings": _settings(asked, load, baseline),
        "idle": round(60 + 2 * (longest_gap(servers) + 1) * (work.cell_seconds(load) + _OVERHEAD)),
        "left_out": [list(pair) for pair in selection.left_out],
        "plans": digests(plans, {asked.client, *servers}),
        "lines": _lines(asked, selection, len(turns) * (work.cell_seconds(load) + _OVERHEAD)),
    }


def longest_gap(servers: Sequence[str]) -> int:
    """How many turns in a row go by without one of the servers, begin and end included."""
    longest = 0
    for server in set(servers):
        gap = 0
        for turn in servers:
            gap = 0 if turn == server else gap + 1
            longest = max(longest, gap)
    return longest


def _hosts(client: str, targets: Sequence[Target]) -> list[dict[str, Any]]:
    """Each host with its measured links, and the key of the peer at the other end of each."""
    peers: dict[str, dict[str, str]] = {client: {target.link: target.server_key for target in targets}}
    for target in targets:
        peers.setdefault(target.server, {})[target.interface] = target.client_key
    return [{"host": host, "peers": links} for host, links in peers.items()]


def _servers(targets: Sequence[Target]) -> list[dict[str, Any]]:
    """Where iperf3 listens: on the address that the load goes to, and on no other."""
    listeners: dict[str, list[dict[str, str]]] = {}
    for target in targets:
        path = target.ipv4 or target.ipv6
        if path is not None:
            listener = {"link": target.interface, "address": path.server}
            listeners.setdefault(target.server, []).append(listener)
    return [{"host": host, "listeners": found} for host, found in listeners.items()]


def _settings(asked: Asked, load: work.Settings, baseline: str) -> dict[str, Any]:
    return {
        **load._asdict(),
        "client": asked.client,
        "rounds": asked.rounds,
        "seed": asked.seed,
        "baseline": baseline,
        "payload": work.PAYLOAD,
        "congestion": work.CONGESTION,
        "flows": sorted(work.FLOWS.values()),
    }


def _lines(asked: Asked, selection: Selection, seconds: float) -> list[str]:
    names = ", ".join(target.interface for target in selection.targets)
    said = f"measuring {names} from {asked.client}, {asked.rounds} rounds, about {max(1, round(seconds / 60))} min"
    return [said, *(f"not measured: {name}: {reason}" for name, reason in selection.left_out)]
