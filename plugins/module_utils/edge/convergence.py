# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the module converge does on a host: the transaction, and what is stored for the next boot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..converge.transaction import clear, converge
from ..kernel.host import HostKernel
from ..kernel.keyring import tidy
from ..kernel.lock import exclusive
from ..kernel.memory import MemoryKernel
from ..model.plan import from_json
from .objects import unpack
from .program import program
from .result import result_of


def match(plan_text: str, persist: bool, check: bool, packed: Mapping[str, str]) -> dict[str, Any]:
    """Make this host match its plan; check: a copy of it in memory. packed: the programs that judge, where the plan has
    a policy. Raises WeftError."""
    plan = from_json(plan_text)
    objects = unpack(packed)
    kept = program(objects) if persist else None
    host = HostKernel(policies=plan.policy is not None)
    if check:
        return result_of(converge(plan, MemoryKernel(host.observe()), kept, objects))
    with exclusive():
        outcome = converge(plan, host, kept, objects)
        tidy(plan)
    return result_of(outcome)


def leave(check: bool) -> dict[str, Any]:
    """Take everything of weft's off this host; check: a copy of it in memory. No plan is needed. Raises WeftError."""
    host = HostKernel()
    if check:
        return result_of(clear(MemoryKernel(host.observe())))
    with exclusive():
        outcome = clear(host)
    return result_of(outcome)
