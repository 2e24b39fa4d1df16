# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host keeps on its disk: its plan, and what it takes to match it without a controller."""

from __future__ import annotations

from ..converge.transaction import Outcome, converge
from ..diff.policy import NO_OBJECTS
from ..kernel import stored
from ..kernel.host import HostKernel
from ..model.errors import PlanError
from ..model.plan import HostPlan, from_json


def read_plan(path: str) -> HostPlan:
    """Raises PlanError where it is not there, or cannot be read by this release."""
    try:
        with open(path, encoding="utf-8") as stream:
            return from_json(stream.read())
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {path} cannot be read ({error})") from error


def converge_stored(plan: HostPlan) -> Outcome:
    """Make this host match a plan that it keeps, with the programs that it keeps. Docker is not asked: at boot it waits
    for the end of this. Raises WeftError."""
    policies = plan.policy is not None
    kernel = HostKernel(ask_docker=False, policies=policies)
    return converge(plan, kernel, objects=stored.objects() if policies else NO_OBJECTS)
