# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft denials`: what audits have written down, for whoever wants to know why something is refused: that of this host,
and those of all others where they are collected."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ...kernel.collected import folder_of, hosts_in
from ...kernel.spool.writer import lines
from ...model.audit import AUDIT_FOLDER, Denial, from_line, to_line
from ...model.errors import PlanError, WeftError
from ...model.plan import from_json
from ...model.policy import REASONS
from ...model.sending import Collector
from ...model.stored import PLAN_PATH
from ..columns import aligned
from .names import moment

USAGE = """\
weft denials [--since 10m] [--source NAME] [--reason NAME] [--host NAME] [--json]
                                          what the policy denied here, and where denials are collected, on all hosts,
                                          oldest first; times are UTC
"""

_SPAN = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_HEAD = ("time", "source", "destination", "what", "on", "reason", "rule", "besides")


class Asked(NamedTuple):
    """since: seconds; None: all. source, reason, host: names; None: any. plain: as the lines of JSON that they are."""

    since: int | None = None
    source: str | None = None
    reason: str | None = None
    plain: bool = False
    host: str | None = None


class AskedWronglyError(WeftError):
    """``str()`` says what would be right."""


def main(arguments: list[str], folder: str = AUDIT_FOLDER, plan: str = PLAN_PATH) -> int:
    try:
        asked = asked_by(arguments[1:])
    except AskedWronglyError as error:
        usage = "\n       ".join(USAGE.splitlines())
        sys.stderr.write(f"weft: {error}\nusage: {usage}\n")
        return 2
    try:
        collector, here = _collector(plan)
        found = wanted((from_line(line) for line in lines(folder)), asked, time.time())
        if collector is not None:
            found = sorted([*found, *_of_others(collector, here, asked)], key=lambda denial: denial.time)
    except WeftError as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    told = [to_line(denial) for denial in found] if asked.plain else table(found, hosts=collector is not None)
    sys.stdout.write("".join(f"{line}\n" for line in told))
    return 0


def _collector(path: str) -> tuple[Collector | None, str]:
    """(what this host collects, its own name). Without a plan that can be read, nothing: what is here is shown all the
    same."""
    try:
        with open(path, encoding="utf-8") as stream:
            plan = from_json(stream.read())
    except (OSError, UnicodeDecodeError, PlanError):
        return None, ""
    return plan.collector, plan.host


def _of_others(collector: Collector, here: str, asked: Asked) -> Iterator[Denial]:
    """Whose a line is says the folder that it is in, and not the line. Raises KernelError."""
    for host in hosts_in(collector.folder):
        if host != here and asked.host in {None, host}:
            read = map(from_line, lines(folder_of(collector.folder, host)))
            named = (denial and denial._replace(host=host) for denial in read)
            yield from wanted(named, asked, time.time())


def asked_by(options: Sequence[str]) -> Asked:
    """Raises AskedWronglyError."""
    asked, rest = Asked(), list(options)
    while rest:
        option = rest.pop(0)
        if option == "--json":
            asked = asked._replace(plain=True)
        elif option not in {"--since", "--source", "--reason", "--host"}:
            raise AskedWronglyError(f"there is no option {option!r}")
        elif not rest:
            raise AskedWronglyError(f"{option} wants a value")
        elif option == "--since":
            asked = asked._replace(since=_seconds(rest.pop(0)))
        elif option == "--source":
            asked = asked._replace(source=rest.pop(0))
        elif option == "--host":
            asked = asked._replace(host=rest.pop(0))
        else:
            asked = asked._replace(reason=_reason(rest.pop(0)))
    return asked


def _seconds(text: str) -> int:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise AskedWronglyError(f"{text!r} is no span of time; 90s, 10m, 6h or 2d is one")
    return int(match[1]) * _SECONDS[match[2]]


def _reason(text: str) -> str:
    names = [reason.name for reason in REASONS]
    if text.upper() not in names:
        raise AskedWronglyError(f"{text!r} is no reason; there are {', '.join(names)}")
    return text.upper()


def wanted(found: Iterable[Denial | None], asked: Asked, now: float) -> list[Denial]:
    """now: seconds since 1970. Spelled so, times are in the order of their letters."""
    first = "" if asked.since is None else moment(int((now - asked.since) * 1e9))
    return [
        denial
        for denial in found
        if denial is not None
        and denial.time >= first
        and asked.source in {None, denial.source}
        and asked.reason in {None, denial.reason}
        and asked.host in {None, denial.host}
    ]


def table(found: Sequence[Denial], hosts: bool = False) -> list[str]:
    """A line for each, and one that says what is not there. hosts: whether it is of several."""
    if not found:
        return ["nothing was denied, as far as is written down here"]
    rows = [_HEAD, *(tuple(map(_shown, _row(denial))) for denial in found)]
    if hosts:
        names = ["host", *(_shown(denial.host) for denial in found)]
        rows = [(row[0], name, *row[1:]) for row, name in zip(rows, names)]
    told = aligned(rows)
    held_back = sum(denial.held_back for denial in found)
    if held_back:
        told.append(f"{held_back} more of the same senders were not written down; the metrics count them")
    return told


def _row(one: Denial) -> tuple[str, ...]:
    besides = [f"{one.held_back} more before"] if one.held_back else []
    besides += ["passed, only observed"] if one.observed else []
    return (
        f"{one.time[:10]} {one.time[11:19]}",
        _end(one.source, one.source_address),
        _end(one.destination, one.destination_address),
        _what(one),
        f"{one.interface} {one.direction}",
        one.reason,
        one.rule or "-",
        ", ".join(besides),
    )


def _shown(cell: str) -> str:
    """An interface may be called nearly anything; what a terminal would obey does not reach it."""
    return "".join(character if character.isprintable() else "?" for character in cell)


def _end(name: str, address: str | None) -> str:
    return f"{name} ({address})" if address else name


def _what(one: Denial) -> str:
    """``TCP 22``, ``ICMP type 8``."""
    if one.destination_port is not None:
        return f"{one.protocol} {one.destination_port}"
    if one.type is not None:
        return f"{one.protocol} type {one.type}"
    return one.protocol or "-"
