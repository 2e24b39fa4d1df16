# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a run ended for each host, from what its tasks registered there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

DONE = "done"
LEFT = "left"
FAILED = "failed"
BEFORE = "failed before"
UNCONFIRMED = "unconfirmed"
UNREACHED = "unreached"
LIMITED = "limited"
COME = "to come"

# Any of these says that a host is not reached; of the later ones, what became of its change.
_LOOKS = ("weft_observed", "weft_converged", "weft_left")


class Ending(NamedTuple):
    """state: one of the above. counts: what changed, {"link": {"add": 2}}; None: nobody knows. reason: of a failure.
    stale: whether the host was converged before its plan was made anew, in a run that takes hosts in turns."""

    state: str
    counts: Mapping[str, Mapping[str, int]] | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    stale: bool = False


class Hosts(NamedTuple):
    """Of the play: everybody; who goes on; who has a turn now."""

    everybody: Collection[str]
    going_on: Collection[str]
    batch: Collection[str]


def ending(host: str, said: Mapping[str, Any], hosts: Hosts, networks: Mapping[str, Mapping[str, int]]) -> Ending:
    """said: the host's variables. networks: what was done about Docker networks, counted as the rest."""
    if host not in hosts.everybody:
        return Ending(LIMITED)
    if any((said.get(name) or {}).get("unreachable") for name in _LOOKS):
        return Ending(UNREACHED)
    left = said.get("weft_left") or {}
    done = left if "counts" in left or left.get("failed") else said.get("weft_converged") or {}
    networked = said.get("weft_networked") or {}
    if done.get("failed"):
        return Ending(UNCONFIRMED if done.get("unconfirmed") else FAILED, reason=_first(done))
    if "counts" in done:
        counts = {**networks, **done["counts"]}
        state = FAILED if networked.get("failed") else LEFT if done is left else DONE
        reason = f"its Docker networks were not made: {_first(networked)}" if state == FAILED else ""
        return Ending(state, counts, tuple(done.get("notes", ())), reason, host not in hosts.batch)
    return Ending(COME if host in hosts.going_on and host not in hosts.batch else BEFORE)


def _first(result: Mapping[str, Any]) -> str:
    """The first line of why a task failed, that of its first item that did."""
    items = [item for item in result.get("results", ()) if item.get("failed")]
    text = str((items or [result])[0].get("msg") or "").strip()
    return text.splitlines()[0] if text else "its error is above"
