# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is compared: one number for each interface and round, by metric, out of the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import work
from .result import Result, Sample
from .statistics import quantile

MORE = "more is better"
LESS = "less is better"
NEITHER = ""

# The samples of one interface in one round, by work.
Cell = Mapping[str, Sample]
CLIENT = "client"
SERVER = "server"
_GIGABYTE = 1e9
_MEBIBYTE = 1024 * 1024


class Metric(NamedTuple):
    """key: for file names. better: MORE, LESS or NEITHER. take: None where the cell does not have it."""

    key: str
    title: str
    unit: str
    better: str
    take: Callable[[Cell], float | None]


def values(result: Result, metric: Metric) -> dict[str, list[float]]:
    """By interface, in the order of their names: one value for each round that has one, in the order of rounds."""
    found: dict[str, list[float]] = {name: [] for name in result.interfaces}
    for (interface, _round), cell in sorted(cells(result).items(), key=lambda item: item[0][1]):
        value = metric.take(cell)
        if value is not None:
            found[interface].append(value)
    return found


def cells(result: Result) -> dict[tuple[str, int], dict[str, Sample]]:
    """By (interface, round)."""
    found: dict[tuple[str, int], dict[str, Sample]] = {}
    for sample in result.samples:
        found.setdefault((sample["interface"], sample["round"]), {})[sample["work"]] = sample
    return found


def answered(sample: Sample | None) -> list[float]:
    """Round-trip times in milliseconds, of the packets that were answered."""
    return [time for time in sample["figures"]["rtt_ms"] if time is not None] if sample else []


def _throughput(name: str) -> Callable[[Cell], float | None]:
    return lambda cell: cell[name]["figures"]["bits_per_second"] / 1e6 if name in cell else None


def _packets(cell: Cell) -> float | None:
    figures = _figures(cell, work.UDP_SMALL)
    return figures["received"] / figures["seconds"] / 1000 if figures else None


def _lost(cell: Cell) -> float | None:
    figures = _figures(cell, work.UDP_SMALL)
    return 100 * (1 - figures["received"] / figures["sent"]) if figures and figures["sent"] else None


def _latency(name: str, share: float) -> Callable[[Cell], float | None]:
    def take(cell: Cell) -> float | None:
        times = answered(cell.get(name))
        return quantile(times, share) if times else None

    return take


def _cost(end: str, account: str) -> Callable[[Cell], float | None]:
    """Processor seconds per gigabyte, with eight flows. account: `busy`, the whole machine, or `process`."""

    def take(cell: Cell) -> float | None:
        figures, usage = _figures(cell, work.TCP_EIGHT), _usage(cell, end)
        if not figures or not usage or usage[account] is None or not figures["bytes"]:
            return None
        return float(usage[account] / (figures["bytes"] / _GIGABYTE))

    return take


def _busy(end: str) -> Callable[[Cell], float | None]:
    def take(cell: Cell) -> float | None:
        usage = _usage(cell, end)
        return usage["busy"] / usage["seconds"] if usage else None

    return take


def _memory(end: str) -> Callable[[Cell], float | None]:
    def take(cell: Cell) -> float | None:
        usage = _usage(cell, end)
        return usage["resident"] / _MEBIBYTE if usage and usage["resident"] is not None else None

    return take


def _figures(cell: Cell, name: str) -> Mapping[str, Any] | None:
    return cell[name]["figures"] if name in cell else None


def _usage(cell: Cell, end: str) -> Mapping[str, Any] | None:
    return cell[work.TCP_EIGHT][end] if work.TCP_EIGHT in cell else None


METRICS = (
    Metric("tcp-1", "TCP, one flow", "Mbit/s", MORE, _throughput(work.TCP_ONE)),
    Metric("tcp-8", "TCP, eight flows", "Mbit/s", MORE, _throughput(work.TCP_EIGHT)),
    Metric("udp-64", "UDP, 64 bytes of payload, received", "1000 packets/s", MORE, _packets),
    Metric("udp-64-lost", "UDP, 64 bytes of payload, lost when sent as fast as can be", "%", LESS, _lost),
    Metric("idle-ipv4", "Latency without load, IPv4, median", "ms", LESS, _latency(work.IDLE_IPV4, 0.5)),
    Metric("idle-ipv4-p99", "Latency without load, IPv4, 99th percentile", "ms", LESS, _latency(work.IDLE_IPV4, 0.99)),
    Metric("idle-ipv6", "Latency without load, IPv6, median", "ms", LESS, _latency(work.IDLE_IPV6, 0.5)),
    Metric("idle-ipv6-p99", "Latency without load, IPv6, 99th percentile", "ms", LESS, _latency(work.IDLE_IPV6, 0.99)),
    Metric("loaded-1", "Latency beside one flow, median", "ms", LESS, _latency(work.TCP_ONE, 0.5)),
    Metric("loaded-8", "Latency beside eight flows, median", "ms", LESS, _latency(work.TCP_EIGHT, 0.5)),
    Metric("loaded-8-p99", "Latency beside eight flows, 99th percentile", "ms", LESS, _latency(work.TCP_EIGHT, 0.99)),
    Metric("cost-client", "Processor time of the client's machine, eight flows", "s/GB", LESS, _cost(CLIENT, "busy")),
    Metric("cost-server", "Processor time of the server's machine, eight flows", "s/GB", LESS, _cost(SERVER, "busy")),
    Metric("go-client", "… of it wireguard-go's, on the client", "s/GB", LESS, _cost(CLIENT, "process")),
    Metric("go-server", "… of it wireguard-go's, on the server", "s/GB", LESS, _cost(SERVER, "process")),
    Metric("busy-client", "Processors busy on the client, eight flows", "processors", NEITHER, _busy(CLIENT)),
    Metric("busy-server", "Processors busy on the server, eight flows", "processors", NEITHER, _busy(SERVER)),
    Metric("memory-client", "Memory of wireguard-go on the client", "MiB", LESS, _memory(CLIENT)),
    Metric("memory-server", "Memory of wireguard-go on the server", "MiB", LESS, _memory(SERVER)),
)
