# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's files of a benchmark: plans that say what can be measured, and one folder for each run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from ...measure.result import Result, from_json
from ...model.errors import Fault, MeasureError
from ...model.plan import HostPlan, to_json
from ..project import read_plans

RESULT = "result.json"


def plans_of(build: str) -> dict[str, HostPlan]:
    """The plans that site.yml built from, by host. Raises MeasureError where there are none."""
    plans = read_plans(build)
    if not plans:
        raise MeasureError((Fault(build, "", "there are no plans; run site.yml first"),))
    return plans


def digests(plans: Mapping[str, HostPlan], hosts: set[str]) -> dict[str, str]:
    """SHA-256 of each host's plan."""
    return {host: hashlib.sha256(to_json(plans[host]).encode()).hexdigest() for host in sorted(hosts)}


def read_run(folder: str) -> Result:
    """Raises MeasureError where it holds no run that this release can read."""
    path = os.path.join(folder, RESULT)
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise MeasureError((Fault(path, "", f"cannot be read: {error}"),)) from error
    return from_json(text, path)


def write_run(folder: str, files: Mapping[str, bytes]) -> None:
    """In the order given, so that figures come before pictures where a disk gets full. Raises MeasureError."""
    try:
        os.makedirs(folder, exist_ok=True)
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as stream:
                stream.write(content)
    except OSError as error:
        raise MeasureError((Fault(folder, "", f"cannot be written: {error}"),)) from error
