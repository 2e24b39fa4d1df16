# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The changes that a run would make, told as what is wrong with the host now: missing, different, or too much.

A change that is only there because of another one is left out: what hangs on a link that has to be made anew is not
missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..model import state as kinds
from ..model.change import ADD, REMOVE, Change
from ..model.link import fixed_differences
from ..model.plan import HostPlan
from ..model.policy import NO_ATTACHMENT
from ..model.state import Foreign, State
from ..model.status import DIFFERS, MISSING, SURPLUS, Difference
from .docker import network_changes
from .fields import differing

DOCKER_NETWORK = "Docker network"
# Of a public key, as much as tells two of them apart for a reader.
KEY_SHOWN = 8
# Of the lines of a ruleset that are told.
_MOST_LINES = 2
_LONGEST = 60


def differences(changes: Iterable[Change], have: State, names: dict[str, str]) -> tuple[Difference, ...]:
    """In the order of the changes. names: of WireGuard peers by their keys in the state."""
    found: dict[tuple[str, str], Difference] = {}
    for change in changes:
        before = have.get(change.kind, {}).get(change.key)
        name = _name(change, names)
        told = _difference(change, before, name)
        if told is not None:
            # A link that is made anew is removed and added; it is one difference.
            found[change.kind, change.key] = told
    return tuple(found.values())


def network_differences(plan: HostPlan, foreign: Foreign, answers: bool) -> tuple[Difference, ...]:
    """Docker's networks. answers: whether Docker does; where it does not, nobody knows, and that is told."""
    if not answers:
        return (Difference("Docker", "", MISSING, "it does not answer"),) if plan.networks else ()
    seen = {one.network.name: one.network for one in foreign.networks if one.ours}
    todo = network_changes(plan, foreign)
    found = [
        Difference(DOCKER_NETWORK, network.name, DIFFERS, _fields(seen[network.name], network))
        if network.name in seen
        else Difference(DOCKER_NETWORK, network.name, MISSING)
        for network in todo.create
    ]
    again = {network.name for network in todo.create}
    return (*found, *(Difference(DOCKER_NETWORK, name, SURPLUS) for name in todo.remove if name not in again))


def _difference(change: Change, before: Any, name: str) -> Difference | None:
    if change.action == REMOVE:
        return Difference(change.kind, name, SURPLUS)
    if before is None:
        return Difference(change.kind, name, MISSING)
    if change.kind == kinds.LINK and not before.kind:
        return Difference(change.kind, name, MISSING, "its service makes none")
    # An object that is there and as planned only goes, and comes again, with another one.
    fields = differing(before, change.after)
    if change.kind == kinds.LINK and change.action == ADD:
        fields = (*fixed_differences(before, change.after), *fields)
    if not fields:
        return None
    return Difference(change.kind, name, DIFFERS, _detail(change, before, tuple(dict.fromkeys(fields))))


def _name(change: Change, names: dict[str, str]) -> str:
    if change.kind == kinds.PEER:
        value = change.after or change.before
        key = shortened(value.public_key)
        whose = value.name or names.get(change.key, "")
        return f"{value.link} {whose} ({key})" if whose else f"{value.link} {key}"
    # There is one of each, and its kind says it.
    return "" if change.kind in (kinds.POLICY, kinds.PROGRAM) else change.key


def shortened(public_key: str) -> str:
    return public_key if len(public_key) <= KEY_SHOWN else public_key[:KEY_SHOWN] + "…"


def _detail(change: Change, before: Any, fields: tuple[str, ...]) -> str:
    if change.kind == kinds.POLICED and before.number == NO_ATTACHMENT:
        return "a program of ours is not attached, or is another one"
    if change.kind == kinds.RULESET:
        return "; ".join(_lines(before.signature, change.after.signature))
    if change.kind == kinds.POLICY:
        words = {"digest": "another policy judges", "objects": "other programs judge"}
        return ", ".join(words[field] for field in fields)
    if change.kind in (kinds.PROGRAM, kinds.SERVICE):
        return "of another release"
    if change.kind == kinds.FILE:
        return ", ".join(
            f"mode {before.mode:04o}, planned {change.after.mode:04o}" if field == "mode" else _FILE_WORDS[field]
            for field in fields
        )
    if change.kind == kinds.CLIENT and "whole" in fields:
        return "a file of it is missing or damaged"
    return _fields(before, change.after, fields)


_FILE_WORDS = {"text": "content", "target": "leads elsewhere"}


def _lines(have: tuple[str, ...], wanted: tuple[str, ...]) -> Iterator[str]:
    """The first of what is missing and of what is too much."""
    for word, one, other in ((MISSING, wanted, have), (SURPLUS, have, wanted)):
        known = set(other)
        lines = [line for line in one if line not in known]
        shown = ", ".join(line if len(line) <= _LONGEST else line[:_LONGEST] + "…" for line in lines[:_MOST_LINES])
        more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
        if lines:
            yield f"{word}: {shown}{more}"
    if sorted(have) == sorted(wanted):
        yield "order"


def _fields(before: Any, after: Any, fields: tuple[str, ...] = ()) -> str:
    """`mtu 1400, planned 1450`; what is long is only named."""
    wanted = fields or tuple(name for name, old, new in zip(after._fields, before, after) if old != new)
    return "; ".join(_field(name, getattr(before, name), getattr(after, name)) for name in wanted)


def _field(name: str, old: Any, new: Any) -> str:
    if name == "public_key":
        old, new = shortened(old), shortened(new)
    if name == "preshared":
        return "preshared key"
    words = [_word(value) for value in (old, new)]
    if any(len(word) > _LONGEST for word in words):
        return name
    return f"{name} {words[0]}, planned {words[1]}"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
