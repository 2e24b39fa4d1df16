# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Out of what every host returned in a run: one Result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .result import Result, Sample, join

Answer = Mapping[str, Any]


def collect(
    schedule: Answer, checked: Answer, looked: Sequence[Answer], measured: Sequence[Answer], served: Sequence[Answer]
) -> Result:
    """schedule, checked: what those modules returned. looked, measured, served: of each turn of a loop, with what it
    was about as `item`. A turn that failed becomes a fault of the result: what the others measured is kept.

    finished is left empty: what time it is, is not known here.
    """
    taken, faults = _samples(measured)
    tests, unserved = _tests(served)
    samples, unknown = join(taken, tests)
    interfaces = {
        name: {**{key: target[key] for key in ("server", "link", "ipv4", "ipv6")}, **checked["interfaces"][name]}
        for name, target in schedule["targets"].items()
    }
    return Result(
        started=schedule["started"],
        finished="",
        settings=dict(schedule["settings"]),
        interfaces=interfaces,
        left_out=[list(pair) for pair in schedule["left_out"]],
        plans=dict(schedule["plans"]),
        environment={one["item"]["host"]: one["environment"] for one in looked},
        schedule=[list(order) for order in schedule["rounds"]],
        faults=[*faults, *unserved, *unknown],
        samples=samples,
    )


def _samples(measured: Iterable[Answer]) -> tuple[list[Sample], list[str]]:
    taken: list[Sample] = []
    faults = []
    for one in measured:
        turn = {"round": one["item"]["round"], "interface": one["item"]["interface"]}
        if "samples" in one:
            taken += [{**turn, **sample} for sample in one["samples"]]
        else:
            faults.append(f"round {turn['round']}, {turn['interface']}: {one.get('msg', 'no answer')}")
    return taken, faults


def _tests(served: Iterable[Answer]) -> tuple[list[Answer], list[str]]:
    tests: list[Answer] = []
    faults = []
    for one in served:
        host = one["item"]["host"]
        tests += one.get("tests") or []
        if "tests" not in one:
            faults.append(f"{host}: {one.get('msg', 'no answer')}")
        elif one["tests"] is None:
            faults.append(f"{host}: the server's end of the benchmark was gone before the end")
    return tests, faults
