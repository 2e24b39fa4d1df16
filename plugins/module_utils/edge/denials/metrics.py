# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the host counts of denials, in the text format of Prometheus (version 0.0.4), for node_exporter's textfile
collector.

Totals never go back while the service runs, although the kernel's map forgets the pairs that were quiet for longest.
They begin with what the map has: they begin anew when the host boots or its programs are replaced, and may be lower
after the service was started again, by what the map had forgotten. What Prometheus does with such resets (rate(),
increase()) is right. A pair that the map forgets and knows again between two looks is counted from its second
beginning on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from ...kernel import atomic
from ...kernel.bpf.records import Counted
from ...model.errors import KernelError
from .names import Names, reason_name

# Where node_exporter looks: as its own documentation has it, and as Debian's package does; and where it has to be told
# to look.
COLLECTORS = ("/var/lib/node_exporter/textfile_collector", "/var/lib/prometheus/node-exporter")
METRICS_FOLDER = "/var/lib/weft/metrics"
METRICS_FILE = "weft_policy.prom"

# So many pairs have totals of their own; what comes after them is told together. The kernel's map holds as many.
MOST_PAIRS = 16384
OTHERS = "others"

# (source identity, destination identity, reason, observed); None: of pairs beyond MOST_PAIRS.
_Pair = tuple[int, int, int, int]
_Total = tuple[int, int, int]
_Key = tuple[str, str, str, str]

_COUNTERS = (
    ("weft_policy_denied_packets_total", "Packets that the policy denied; those observed passed all the same."),
    ("weft_policy_denied_bytes_total", "Octets of these packets."),
    ("weft_policy_unrecorded_packets_total", "Those of these packets that no record tells of."),
)


class Totals:
    """Sums over all that was ever seen of the kernel's counters."""

    def __init__(self, most: int = MOST_PAIRS) -> None:
        self._most = most
        self._before: dict[_Pair, _Total] = {}
        self._sums: dict[_Pair, _Total] = {}
        self._others: dict[tuple[int, int], _Total] = {}

    def see(self, found: Iterable[Counted]) -> None:
        """All that the map holds now. A pair that has less than before was forgotten meanwhile."""
        now: dict[_Pair, _Total] = {}
        for one in found:
            pair = (one.source, one.destination, one.reason, one.observed)
            now[pair] = (one.packets, one.octets, one.unrecorded)
            before = self._before.get(pair, (0, 0, 0))
            again = any(new < old for new, old in zip(now[pair], before))
            self._add(pair, now[pair] if again else _minus(now[pair], before))
        self._before = now

    def anew(self) -> None:
        """What is seen next is of another map, that began with nothing."""
        self._before = {}

    def _add(self, pair: _Pair, more: _Total) -> None:
        if pair in self._sums or len(self._sums) < self._most:
            self._sums[pair] = _plus(self._sums.get(pair), more)
        else:
            self._others[pair[2:]] = _plus(self._others.get(pair[2:]), more)

    def named(self, names: Names) -> Mapping[_Key, _Total]:
        """{(source, destination, reason, observed): (packets, octets, unrecorded)}, sorted."""
        found: dict[_Key, _Total] = {}
        for (source, destination, reason, observed), total in self._sums.items():
            ends = (names.identity(source), names.identity(destination))
            key = (*ends, *_why(reason, observed))
            # Never twice the same series: a scrape would be refused as a whole.
            found[key] = _plus(found.get(key), total)
        for (reason, observed), total in self._others.items():
            key = (OTHERS, OTHERS, *_why(reason, observed))
            found[key] = _plus(found.get(key), total)
        return dict(sorted(found.items()))


def _why(reason: int, observed: int) -> tuple[str, str]:
    return reason_name(reason), "true" if observed else "false"


def _minus(now: _Total, before: _Total) -> _Total:
    return now[0] - before[0], now[1] - before[1], now[2] - before[2]


def _plus(one: _Total | None, other: _Total) -> _Total:
    return other if one is None else (one[0] + other[0], one[1] + other[1], one[2] + other[2])


class Standing(NamedTuple):
    """How the service and the policy stand. digest: of the policy that judges, None: none does. planned: of the stored
    plan's policy. since: when this generation was first seen judging, seconds ago; None: none does. records, lines:
    read of the kernel and written. held_back, dropped, expired: lines, since the service began. unsent: those that the
    spool lost before they were sent, None: nothing is sent. waiting: octets that are still to be sent."""

    host: str
    digest: str | None
    planned: str | None
    generation: int
    since: float | None
    records: int
    lines: int
    held_back: int
    dropped: int
    expired: int
    octets: int
    segments: int
    bound: int
    unsent: int | None = None
    waiting: int = 0


def text(totals: Mapping[_Key, _Total], standing: Standing) -> str:
    """The whole file."""
    lines: list[str] = []
    labels = ("source", "destination", "reason", "observed")
    for column, (name, says) in enumerate(_COUNTERS):
        samples = [(tuple(zip(labels, key)), total[column]) for key, total in totals.items()]
        lines += family(name, "counter", says, samples)
    for name, kind, says, value in _gauges(standing):
        lines += family(name, kind, says, [((), value)])
    if standing.digest is not None:
        about = (("host", standing.host), ("digest", standing.digest))
        lines += family("weft_policy_info", "gauge", "The policy that judges.", [(about, 1)])
    return "".join(f"{line}\n" for line in lines)


def _gauges(one: Standing) -> Iterator[tuple[str, str, str, float]]:
    if one.since is not None:
        says = "How long ago the generation that judges was first seen doing so."
        yield "weft_policy_generation_age_seconds", "gauge", says, round(one.since, 3)
    says = "Number of the generation that judges; generations are counted since the programs were loaded."
    yield "weft_policy_generation", "gauge", says, one.generation
    says = "1: the policy that judges is that of the stored plan."
    yield "weft_policy_as_planned", "gauge", says, int(one.digest is not None and one.digest == one.planned)
    yield "weft_audit_records_total", "counter", "Records that were read of the kernel.", one.records
    yield "weft_audit_lines_total", "counter", "Lines that were written.", one.lines
    says = "Lines that were not written: their sender, or all together, had used up their share."
    yield "weft_audit_held_back_lines_total", "counter", says, one.held_back
    says = "Lines that the spool dropped for want of room, or that the disk did not take."
    yield "weft_audit_spool_dropped_lines_total", "counter", says, one.dropped
    yield "weft_audit_spool_expired_lines_total", "counter", "Lines that were too old to be kept.", one.expired
    yield "weft_audit_spool_bytes", "gauge", "What the spool takes on the disk.", one.octets
    yield "weft_audit_spool_limit_bytes", "gauge", "What it takes at most.", one.bound
    yield "weft_audit_spool_segments", "gauge", "Files that the spool is in.", one.segments
    if one.unsent is not None:
        says = "Lines that the spool lost, for want of room or for their age, before they were sent."
        yield "weft_audit_unsent_dropped_lines_total", "counter", says, one.unsent
        yield "weft_audit_unsent_bytes", "gauge", "What of the spool is still to be sent.", one.waiting


def family(
    name: str, kind: str, says: str, samples: Iterable[tuple[tuple[tuple[str, str], ...], float]]
) -> Iterator[str]:
    """The lines of one metric. samples: each has its labels, as names with values, and a number."""
    yield f"# HELP {name} {says}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        inner = ",".join(f'{label}="{escaped(found)}"' for label, found in labels)
        yield f"{name}{{{inner}}} {value}" if inner else f"{name} {value}"


def escaped(value: str) -> str:
    """A label's value within its quotes."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def metrics_folder() -> str:
    return next((folder for folder in COLLECTORS if os.path.isdir(folder)), METRICS_FOLDER)


def write(folder: str, data: str) -> None:
    """In one step, and for everybody to read. Raises KernelError."""
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
        atomic.write(f"{folder}/{METRICS_FILE}", data.encode(), 0o644, durable=False)
    except OSError as error:
        raise KernelError(f"metrics {folder}", error.strerror or str(error)) from error


def remove(folder: str) -> None:
    """Raises KernelError."""
    try:
        with suppress(FileNotFoundError):
            os.unlink(f"{folder}/{METRICS_FILE}")
    except OSError as error:
        raise KernelError(f"metrics {folder}", error.strerror or str(error)) from error
