# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's files: intent and ledger beside the inventory, and the build folder with a plan for each host."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from ..compile import ledger as ledgers
from ..intent.domain import Intent, parse
from ..model.errors import Fault, IntentError, PlanError
from ..model.plan import HostPlan, from_json, to_json
from ..model.policy import PolicyMaps
from ..model.policy_text import to_json as policy_to_json


class Project(NamedTuple):
    """Paths on the controller. intent: domain.yaml. ledger: ledger.json. build: folder of plans."""

    intent: str
    ledger: str
    build: str


def read_intent(path: str) -> Intent:
    """Raises IntentError, also when there is no file: an intent that is not there never means an empty one."""
    return parse(read_source(path), path)


def read_source(path: str) -> bytes:
    """The intent's file as it is. Raises IntentError where it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise IntentError((Fault(path, "", f"the intent cannot be read: {error.strerror}"),)) from error


def read_ledger(path: str) -> ledgers.Ledger:
    """The ledger, an empty one where there is no file yet. Raises IntentError for a damaged one."""
    try:
        with open(path, encoding="utf-8") as stream:
            return ledgers.from_json(stream.read(), path)
    except FileNotFoundError:
        return ledgers.EMPTY
    except (OSError, UnicodeDecodeError) as error:
        raise IntentError((Fault(path, "", f"the ledger cannot be read: {error}"),)) from error


def write_ledger(path: str, ledger: ledgers.Ledger) -> bool:
    """Write it if it says something new; returns whether it did."""
    return write_text(path, ledgers.to_json(ledger))


def read_plans(build: str) -> dict[str, HostPlan]:
    """The plans of an earlier run by host; those that this release cannot read count as absent."""
    read = (_read_plan(f"{build}/plans/{name}") for name in _plan_files(build))
    return {plan.host: plan for plan in read if plan is not None}


def read_plan(build: str, host: str) -> HostPlan | None:
    """A host's plan in the build folder, or None where it has none that can be read."""
    return _read_plan(plan_path(build, host))


def _read_plan(path: str) -> HostPlan | None:
    try:
        with open(path, encoding="utf-8") as stream:
            return from_json(stream.read())
    except (FileNotFoundError, UnicodeDecodeError, PlanError):
        return None


def write_plans(build: str, plans: Mapping[str, HostPlan]) -> None:
    """One canonical file for each host; files of hosts that have no plan any more are removed."""
    for host, plan in plans.items():
        write_text(plan_path(build, host), to_json(plan))
    wanted = {os.path.basename(plan_path(build, host)) for host in plans}
    for name in _plan_files(build):
        if name not in wanted:
            os.unlink(f"{build}/plans/{name}")


def write_policy(build: str, maps: PolicyMaps | None) -> None:
    """What the whole domain is judged by, as it is explained from; no file where nothing is judged."""
    path = f"{build}/policy.json"
    if maps is not None:
        write_text(path, policy_to_json(maps))
    elif os.path.exists(path):
        os.unlink(path)


def _plan_files(build: str) -> list[str]:
    folder = f"{build}/plans"
    return sorted(name for name in os.listdir(folder) if name.endswith(".json")) if os.path.isdir(folder) else []


def plan_path(build: str, host: str) -> str:
    """Where a host's plan lies. Its name is the inventory's: a slash in it must not lead out of the folder, nor two
    names to one file."""
    return f"{build}/plans/{quote(host, safe='')}.json"


def write_text(path: str, text: str) -> bool:
    """Write a whole file or nothing, if it says something new; returns whether it did."""
    try:
        with open(path, encoding="utf-8") as stream:
            if stream.read() == text:
                return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".weft-", encoding="utf-8", delete=False) as stream:
        try:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            os.chmod(stream.name, 0o644)
            os.replace(stream.name, path)
        except BaseException:
            os.unlink(stream.name)
            raise
    return True
