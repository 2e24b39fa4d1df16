# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Weft leaves a host: Docker's networks, then everything that a transaction can undo, then what nobody gets back."""

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
    """Data go last, and only from a host that is clear: whatever fails before, its keys are still there.

    disconnect: whether running containers are cut off from our networks. cleared: called between the two. Raises
    ConflictError before anything is changed, UndoneError where the transaction was undone, WeftError where data are
    left.
    """
    before = kernel.observe()
    faults = leaving_faults(before, disconnect)
    if faults:
        raise ConflictError(faults)
    networks = before.state.get(kinds.NETWORK, {})
    done = tuple(Change(REMOVE, kinds.NETWORK, name, seen, None) for name, seen in networks.items())
    kernel.apply(done)
    taken = clear(kernel, spared)
    cleared()
    # Some have gone with their owners meanwhile.
    traces = tuple(kernel.observe().state.get(kinds.TRACE, {}).values())
    rest = tuple(Change(REMOVE, kinds.TRACE, trace.key(), trace, None) for trace in going(traces, spared))
    notes = farewell(before.state.get(kinds.TRACE, {}).values(), spared)
    try:
        kernel.apply(rest)
    except KernelError as error:
        raise WeftError(
            f"nothing of weft is at work here any more, but {error}; run again to remove the rest"
        ) from error
    return Outcome((*done, *taken.changes, *rest), (*taken.notes, *unseen(before), *notes))
