# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Weft leaves a host: everything that a transaction can undo, then what nobody gets back, Docker's networks first."""

from __future__ import annotations

from collections.abc import Callable

from ..diff.nothing import farewell, going, leaving_faults, unseen
from ..kernel.protocol import Kernel
from ..model import state as kinds
from ..model.change import REMOVE, Change
from ..model.errors import ConflictError, KernelError, WeftError
from ..model.trace import Spared
from .transaction import Outcome, clear


def _nothing() -> None:
    pass


def leave(kernel: Kernel, spared: Spared, disconnect: bool = False, cleared: Callable[[], None] = _nothing) -> Outcome:
    """Data go last, and only from a host that is clear: whatever fails before, its keys and its networks are still
    there. Docker's networks go after the transaction for another reason, too: Docker before 28.1 makes all rules of a
    network that is gone again whenever firewalld is reloaded, and a policy of ours leaves firewalld by a reload.

    disconnect: whether running containers are cut off from our networks. cleared: called between the two. Raises
    ConflictError before anything is changed, UndoneError where the transaction was undone, WeftError where data are
    left.
    """
    before = kernel.observe()
    faults = leaving_faults(before, disconnect)
    if faults:
        raise ConflictError(faults)
    taken = clear(kernel, spared, disconnect)
    cleared()
    # As they were seen at first: networks with what Docker filtered for them, data with what was in them.
    networks, told = before.state.get(kinds.NETWORK, {}), before.state.get(kinds.TRACE, {})
    rest = tuple(Change(REMOVE, kinds.NETWORK, name, seen, None) for name, seen in networks.items())
    # Some have gone with their owners meanwhile.
    traces = tuple(told.get(key, trace) for key, trace in kernel.observe().state.get(kinds.TRACE, {}).items())
    rest += tuple(Change(REMOVE, kinds.TRACE, trace.key(), trace, None) for trace in going(traces, spared))
    notes = farewell(told.values(), spared)
    try:
        kernel.apply(rest)
    except KernelError as error:
        raise WeftError(
            f"nothing of weft is at work here any more, but {error}; run again to remove the rest"
        ) from error
    kept = tuple(trace for trace in traces if spared.holds(trace))
    return Outcome((*taken.changes, *rest), (*taken.notes, *unseen(before), *notes), kept)
