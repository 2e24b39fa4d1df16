# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan that a host keeps, as it is on its disk."""

from __future__ import annotations

from ..model.errors import PlanError
from ..model.plan import HostPlan, from_json


def read_plan(path: str) -> HostPlan:
    """Raises PlanError where it is not there, or cannot be read by this release."""
    try:
        with open(path, encoding="utf-8") as stream:
            return from_json(stream.read())
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {path} cannot be read ({error})") from error
