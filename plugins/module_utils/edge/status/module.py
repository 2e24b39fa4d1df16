# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the module status does on a host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...converge.drift import drift
from ...diff.policy import NO_OBJECTS
from ...kernel.probe import probe
from ...model.plan import from_json
from ...model.policed import Objects
from ...model.probe import Probe
from ...model.stored import Program
from .command import here, look
from .data import drift_data, to_data


def asked(plan_text: str | None, program: str | None, objects: str | None) -> dict[str, Any]:
    """plan_text: of the intent. program, objects: digests of what should be stored and loaded. Raises WeftError."""
    plan = from_json(plan_text) if plan_text else None
    found = look(policies=plan is not None and plan.policy is not None)
    told: dict[str, Any] = {"changed": False, "status": to_data(here(found))}
    if plan is not None:
        wanted = Program(program) if program else None
        against = drift(plan, found.seen, wanted, Objects(objects) if objects else NO_OBJECTS)
        told["intent"] = {"state": against.state, **drift_data(against)}
    return told


def answered(probes: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Raises KernelError."""
    found = probe(Probe(one["way"], one["to"], one["address"]) for one in probes)
    return {"changed": False, "answers": [one._asdict() for one in found]}
