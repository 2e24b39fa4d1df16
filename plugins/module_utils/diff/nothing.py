# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The wanted state of a host that weft leaves: nothing of ours, and what is the host's own as it was before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model import state as kinds
from ..model.errors import Fault, PlanError
from ..model.plan import from_json
from ..model.route import MAIN_TABLE, UNICAST
from ..model.state import Foreign, Observed, State, state_of
from ..model.stored import PLAN_PATH
from ..model.trace import KEYS, STATE_ROOT, STORE, Spared, Trace
from .desired import Wanted
from .origins import GivenBack
from .prefix import covers, length

# No plan says the host's name.
_PLACE = "this host"
NOTHING_SPARED = Spared()
_REMOVED = {
    KEYS: "a teardown without weft_keep_keys removes that",
    STORE: "a teardown with -e weft_forget_store=true removes it",
}


def nothing(observed: Observed, spared: Spared = NOTHING_SPARED) -> Wanted:
    """No plan is needed: what is ours is known by its marks, and what was before by what the host remembers."""
    given_back = GivenBack(observed)
    state: State = {kind: {} for kind in kinds.PLANNED if kind != kinds.CLIENT or not spared.keys}
    return Wanted({**state, **state_of({kinds.SYSCTL: given_back.switches})}, tuple(given_back.notes))


def going(traces: Iterable[Trace], spared: Spared) -> tuple[Trace, ...]:
    """What of this goes: the folder that all is in only where nothing stays in it. The code is the last."""
    found = [trace for trace in traces if not spared.holds(trace)]
    staying = any(spared.holds(trace) and trace.path.startswith(STATE_ROOT + "/") for trace in traces)
    # What is in a folder has a longer path than the folder.
    found.sort(key=lambda trace: (trace.path == STATE_ROOT, trace.path))
    return tuple(trace for trace in found if trace.path != STATE_ROOT or not staying)


def farewell(traces: Iterable[Trace], spared: Spared) -> tuple[str, ...]:
    """What the reader of a report is told of data: what nobody gets back from this host, and what it keeps."""
    told = [trace for trace in traces if trace.words]
    return tuple(
        f"kept: {trace.words} ({trace.path}); {_REMOVED[trace.sort]}"
        if spared.holds(trace)
        else f"goes for good: {trace.words} ({trace.path})"
        for trace in told
    )


def unseen(observed: Observed) -> tuple[str, ...]:
    """What there may be of ours that cannot be told now."""
    file = observed.state.get(kinds.FILE, {}).get(PLAN_PATH)
    try:
        networks = from_json(file.text).networks if file is not None else ()
    except PlanError:
        networks = ()
    if observed.capabilities.docker or not networks:
        return ()
    names = ", ".join(network.name for network in networks)
    return (f"Docker does not answer, so its networks stay, if it has them: {names}; start it and run again",)


def leaving_faults(observed: Observed, disconnect: bool = False) -> tuple[Fault, ...]:
    """What nothing of ours may be removed for, each with the way out. disconnect: containers are none."""
    found = [*(() if disconnect else _containers(observed.foreign)), *_sessions(observed)]
    return tuple(Fault(_PLACE, subject, message) for subject, message in found)


def _containers(foreign: Foreign) -> Iterator[tuple[str, str]]:
    for seen in foreign.networks:
        if seen.ours and seen.containers:
            names = " ".join(seen.containers)
            words = f"stop them first (docker stop {names}), or cut them off with -e weft_disconnect=true"
            yield f"Docker network {seen.network.name}", f"containers run in it: {names}; {words}"


def _sessions(observed: Observed) -> Iterator[tuple[str, str]]:
    """Somebody whose replies go out by one of our links would be cut off in the middle of it."""
    state, foreign = observed.state, observed.foreign
    routes = state.get(kinds.ROUTE, {}).values()
    ours = [route.destination for route in routes if route.table == MAIN_TABLE and route.type == UNICAST]
    ours += [found.address for found in state.get(kinds.ADDRESS, {}).values() if found.prefix_route]
    theirs = [route.destination for route in foreign.routes] + [uplink.address for uplink in foreign.uplinks]
    for client in foreign.clients:
        if _longest(ours, client) > _longest(theirs, client):
            yield f"ssh session from {client}", "comes through what is to be removed; reach the host by another way"


def _longest(prefixes: list[str], address: str) -> int:
    """Length of the longest of them that the address is in; -1: of none."""
    return max((length(prefix) for prefix in prefixes if covers(prefix, address)), default=-1)
