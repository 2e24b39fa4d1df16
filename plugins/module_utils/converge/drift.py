# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a host differs from a plan, and nothing else: the diff of a transaction, on one look, without a transaction."""

from __future__ import annotations

from ..diff.conflicts import conflicts
from ..diff.desired import desired, moment_of
from ..diff.drift import differences, network_differences
from ..diff.objects import changes
from ..diff.policy import NO_OBJECTS
from ..model import state as kinds
from ..model.plan import HostPlan
from ..model.policed import Objects
from ..model.state import Observed
from ..model.status import Drift
from ..model.stored import Program


def drift(
    plan: HostPlan, seen: Observed, program: Program | None = None, objects: Objects = NO_OBJECTS, docker: bool = True
) -> Drift:
    """program: what should be stored on the host; None: whatever is. objects: the programs that should judge, of which
    the digest is enough. docker: whether Docker was asked."""
    wanted = desired(plan, seen.capabilities, program, moment_of(seen), objects)
    # What was before is bookkeeping; that it is not remembered is nothing that the host would be different in.
    wanted.state.pop(kinds.ORIGIN, None)
    names = {peer.key(): peer.name for peer in plan.peers}
    found = differences(changes(wanted.state, seen.state), seen.state, names)
    if docker:
        found += network_differences(plan, seen.foreign, seen.capabilities.docker)
    faults = tuple((fault.path, fault.message) for fault in conflicts(plan, seen))
    return Drift(found, faults, wanted.notes)
