# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The wanted state of a host that weft leaves: nothing of ours, and what is the host's own as it was before."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import state as kinds
from ..model.errors import Fault
from ..model.route import MAIN_TABLE, UNICAST
from ..model.state import Foreign, Observed, State, state_of
from .desired import Wanted
from .origins import GivenBack
from .prefix import covers, length

# No plan says the host's name.
_PLACE = "this host"


def nothing(observed: Observed) -> Wanted:
    """No plan is needed: what is ours is known by its marks, and what was before by what the host remembers."""
    given_back = GivenBack(observed)
    state: State = {kind: {} for kind in kinds.KINDS}
    return Wanted({**state, **state_of({kinds.SYSCTL: given_back.switches})}, tuple(given_back.notes))


def leaving_faults(observed: Observed) -> tuple[Fault, ...]:
    """What nothing of ours may be removed for, each with the way out."""
    found = [*_containers(observed.foreign), *_sessions(observed)]
    return tuple(Fault(_PLACE, subject, message) for subject, message in found)


def _containers(foreign: Foreign) -> Iterator[tuple[str, str]]:
    for seen in foreign.networks:
        if seen.ours and seen.containers:
            names = " ".join(seen.containers)
            yield f"Docker network {seen.network.name}", f"containers run in it; stop them first: docker stop {names}"


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
