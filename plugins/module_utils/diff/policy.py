# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host judges by, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.plan import HostPlan
from ..model.policed import LoadedPolicy, Objects, digest_of
from ..model.policy import Attachment
from ..model.state import POLICED, Observed

NO_OBJECTS = Objects("")


def policies_of(plan: HostPlan, objects: Objects = NO_OBJECTS) -> tuple[LoadedPolicy, ...]:
    """One, or none. objects: the programs; without any it only says which maps there should be."""
    if plan.policy is None:
        return ()
    return (LoadedPolicy(digest_of(plan.policy), objects.digest, plan.policy, objects.files),)


def policed_of(plan: HostPlan) -> tuple[Attachment, ...]:
    return () if plan.policy is None else plan.policy.attachments


def policy_faults(plan: HostPlan, observed: Observed) -> Iterator[tuple[str, str]]:
    """What this host's kernel cannot do, and who is at the hooks that the programs need."""
    if plan.policy is None:
        return
    for words in observed.capabilities.unable or ():
        yield "policies", f"{words}; or take it out of every network"
    names = {attachment.interface for attachment in plan.policy.attachments}
    for link, words in observed.foreign.hooks:
        if link in names:
            yield f"{POLICED} {link}", words
