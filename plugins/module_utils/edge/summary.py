# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What ends a run: what changed where, what failed, who was not reached, what is left to do, and the command for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .columns import aligned
from .ending import BEFORE, COME, DONE, FAILED, LEFT, LIMITED, UNCONFIRMED, UNREACHED, Ending

_SIGNS = (("add", "added"), ("change", "changed"), ("remove", "removed"))

AS_PLANNED = "as planned"
NOTHING_LEFT = "nothing of weft left"
# So many faults are told again; all of them stand above.
_FAULTS = 20


class Next(NamedTuple):
    """What can be run next, as lines of a shell. again: what was run, without --check and --limit. remove: what takes a
    runner out that is dead; NAME stands for it. check: whether this was a dry run."""

    again: str
    remove: str = ""
    check: bool = False


class Told(NamedTuple):
    """endings: of each host with a plan. notes: of nobody. changed: hosts whose plan is not what it was before this
    run. runners: who may be taken out. leaving: who is being taken out, and where the inventory has them. refused: why
    nothing was done at all."""

    endings: Mapping[str, Ending]
    notes: Iterable[str] = ()
    changed: Collection[str] = ()
    runners: Collection[str] = ()
    leaving: Mapping[str, str] = MappingProxyType({})
    refused: Iterable[str] | None = None


def table(counts: Mapping[str, Mapping[str, Mapping[str, int]]], gone: Collection[str] = ()) -> list[str]:
    """One line for each host and kind with `added changed removed`; hosts without changes in one line each.

    counts: {"hub": {"link": {"add": 2}}}, as edge.result.counts makes them. gone: hosts that weft has left.
    """
    rows = [("host", "kind", *(word for _key, word in _SIGNS))]
    for host, kinds in counts.items():
        for kind, actions in kinds.items():
            rows.append((host, kind, *(str(actions.get(key, "")) for key, _word in _SIGNS)))
        if not kinds:
            rows.append((host, NOTHING_LEFT if host in gone else AS_PLANNED, "", "", ""))
    return aligned(rows)


def report(told: Told, following: Next) -> list[str]:
    """The whole summary as lines."""
    done = {host: end for host, end in told.endings.items() if end.counts is not None}
    counts: dict[str, Any] = {host: end.counts for host, end in done.items()}
    lines = table(counts, [host for host in done if done[host].state == LEFT]) if counts else ["no host was converged"]
    if told.refused is not None:
        return _refusal(list(told.refused), lines if counts else [], following)
    lines += [f"note: {note}" for note in told.notes]
    lines += [f"note: {host}: {note}" for host, end in done.items() for note in end.notes]
    lines += _undone(told)
    return [*lines, *_next(told, following)]


def _refusal(faults: list[str], before: list[str], following: Next) -> list[str]:
    """before: what had been done by then."""
    more = len(faults) - _FAULTS
    lines = [*before, f"refused: no {'other ' if before else ''}host was touched"]
    lines += [f"  {fault}" for fault in faults[:_FAULTS]] + ([f"  and {more} more"] if more > 0 else [])
    return [*lines, "next: mend that, and run again:", f"  {following.again}"]


def _undone(told: Told) -> Iterator[str]:
    """What is not as it was to be, one line for each host that has a reason of its own."""
    for host in _dead(told):
        yield f"not reached: {host} (it is out of the overlay; if it runs somewhere, teardown.yml takes weft off it)"
    for state, word in ((FAILED, "failed"), (UNCONFIRMED, "not confirmed")):
        for host in _in(told, state):
            yield f"{word}: {host}: {told.endings[host].reason}"
    kinds = (
        (BEFORE, "failed before any change", "the error is above"),
        (UNREACHED, "not reached", "no change there lasts"),
        (LIMITED, "not in this run", "nothing was done there"),
        (COME, "not yet in this run", "their turn comes"),
    )
    for state, word, meaning in kinds:
        hosts = [host for host in _in(told, state) if host not in _dead(told)]
        if hosts:
            yield f"{word}: {', '.join(hosts)} ({meaning})"
    if _left(told):
        yield f"left to do: {', '.join(_left(told))} (there is something new in the plan)"


def _in(told: Told, state: str) -> list[str]:
    return sorted(host for host, end in told.endings.items() if end.state == state)


def _dead(told: Told) -> list[str]:
    """Of those that are taken out, who did not answer: it is done for all the same."""
    return [host for host in _in(told, UNREACHED) if host in told.leaving]


def _left(told: Told) -> list[str]:
    """Hosts with another plan than before this run, that nobody has brought them to, and no fault of theirs."""
    return sorted(host for host in told.changed if host in told.endings and _waits(told.endings[host]))


def _waits(end: Ending) -> bool:
    return end.state == LIMITED or (end.state == DONE and end.stale)


def _next(told: Told, following: Next) -> Iterator[str]:
    """The commands, with what has to be done before."""
    if _in(told, COME):
        return
    reasons = (
        ((FAILED, BEFORE), "mend what failed"),
        ((UNCONFIRMED,), "find out why there was no way back (weft history, journalctl -t weft)"),
        ((UNREACHED,), "see to it that these answer: {}"),
    )
    todo = []
    for states, words in reasons:
        hosts = [host for state in states for host in _in(told, state) if host not in _dead(told)]
        todo += [words.format(", ".join(hosts))] if hosts else []
    changes = any(end.counts for end in told.endings.values())
    if todo:
        yield f"next: {'; '.join(todo)}; then run this, which does what is left:"
    elif following.check and changes:
        yield "next: nothing was changed yet; to make it so:"
    elif _in(told, LIMITED) or _left(told):
        yield "next: for all hosts, run"
    else:
        yield from _by_hand(told, "next") or ["next: nothing is left to do"]
        return
    yield f"  {following.again}"
    for host in sorted(set(_in(told, UNREACHED)) & set(told.runners) - set(told.leaving)):
        yield f"  or, if {host} does not come back: {following.remove.replace('NAME', host)}"
    yield from _by_hand(told, "then")


def _by_hand(told: Told, when: str) -> list[str]:
    return [
        f"{when}: take {host} out of the inventory ({place}); while it is there, site.yml takes it in again"
        for host, place in sorted(told.leaving.items())
    ]
