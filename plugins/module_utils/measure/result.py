# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A run of a benchmark as one value and one file: what was measured, in order, and under what circumstances."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.errors import Fault, MeasureError

# Of the file. A release reads this version and, where it can, older ones.
VERSION = 1

_TEXTS = ("started", "finished")
_LISTS = ("left_out", "schedule", "faults", "samples")

Sample = Mapping[str, Any]


class Result(NamedTuple):
    """Plain JSON values all the way down.

    started, finished: ISO 8601, UTC. settings: as asked (work.Settings, client, seed, baseline, rounds …).
    interfaces: {name: {server, link, ipv4, ipv6, mtu, handshake}}. left_out: [[interface, reason]].
    plans: {host: SHA-256 of its plan}. environment: {host: what benchmark_look says}.
    schedule: the order of each round. faults: what could not be measured, and why.
    samples: in the order taken: {round, interface, work, at, figures, client, server}; client, server: Usage of that
    machine, server None where it told none.
    """

    started: str
    finished: str
    settings: dict[str, Any]
    interfaces: dict[str, Any]
    left_out: list[list[str]]
    plans: dict[str, str]
    environment: dict[str, Any]
    schedule: list[list[str]]
    faults: list[str]
    samples: list[Sample]

    @property
    def baseline(self) -> str:
        """The interface that the others are compared with."""
        return str(self.settings["baseline"])


def to_json(result: Result) -> str:
    """Sorted keys, one space of indent, a final newline."""
    document = {**result._asdict(), "version": VERSION}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(text: str, place: str) -> Result:
    """Read what to_json wrote. Raises MeasureError naming `place` for anything else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MeasureError((Fault(place, "", f"is not JSON ({error})"),)) from error
    version = document.pop("version", None) if isinstance(document, dict) else None
    if version != VERSION:
        raise MeasureError((Fault(place, "version", f"{version!r}; this release reads version {VERSION}"),))
    shape = {name: str if name in _TEXTS else list if name in _LISTS else dict for name in Result._fields}
    wrong = [name for name, kind in shape.items() if not isinstance(document.get(name), kind)]
    wrong += sorted(set(document) - set(shape))
    if wrong:
        told = ", ".join(wrong)
        raise MeasureError((Fault(place, told, "is not what a benchmark writes there"),))
    return Result(**document)


def join(samples: Iterable[Sample], tests: Iterable[Mapping[str, Any]]) -> tuple[list[Sample], list[str]]:
    """Each sample with what it cost the server, found by iperf3's cookie; and a fault for each load that has none."""
    usage = {test["cookie"]: test["usage"] for test in tests}
    joined: list[Sample] = []
    faults = []
    for sample in samples:
        cookie = sample["figures"].get("cookie")
        joined.append({**sample, "server": usage.get(cookie)})
        if cookie is not None and cookie not in usage:
            where = f"round {sample['round']}, {sample['interface']}, {sample['work']}"
            faults.append(f"{where}: the server did not tell what it cost")
    return joined, faults


def too_large(result: Result) -> list[str]:
    """Links whose full packets do not fit the device below them, so that it has to send each of them in two."""
    found = []
    for host, environment in result.environment.items():
        for name, link in environment["links"].items():
            below = environment["underlays"].get(link["underlay"])
            if below and link["mtu"] + link["overhead"] > below["mtu"]:
                size = f"{link['mtu']} and {link['overhead']} bytes"
                found.append(
                    f"{name} on {host}: packets of {size} do not fit {link['underlay']} with its {below['mtu']}"
                )
    return found


def one_machine(result: Result) -> bool:
    """Whether both ends run on one kernel, which then has only one account of processor time for both."""
    boots: Sequence[Any] = [host.get("boot") for host in result.environment.values()]
    return len(boots) > 1 and len(set(boots)) == 1
