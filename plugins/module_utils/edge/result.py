# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a module returns: one shape for every run, and one place where errors become a failed task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..converge.transaction import Outcome
from ..model import state as kinds
from ..model.change import Change
from ..model.errors import FaultsError, WeftError


def run(module: AnsibleModule, call: Callable[[], dict[str, Any]]) -> None:
    """Exit with what `call` returns; the only `except` between the rooms and Ansible."""
    try:
        result = call()
    except FaultsError as error:
        module.fail_json(msg=str(error), faults=[fault._asdict() for fault in error.faults])
    except WeftError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def result_of(outcome: Outcome) -> dict[str, Any]:
    """changed, the changes as lines and as counts for the summary, and the two sides for `--diff`."""
    result: dict[str, Any] = {
        "changed": bool(outcome.changes),
        "changes": [str(change) for change in outcome.changes],
        "counts": counts(outcome.changes),
        "notes": list(outcome.notes),
    }
    if outcome.changes:
        result["diff"] = {
            "before_header": "this host",
            "after_header": "its plan",
            "before": _text((change.kind, change.key, change.before) for change in outcome.changes),
            "after": _text((change.kind, change.key, change.after) for change in outcome.changes),
        }
    return result


def counts(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """{"link": {"add": 2, "remove": 1}}: only what happened is in it."""
    found: dict[str, dict[str, int]] = {}
    for change in changes:
        actions = found.setdefault(change.kind, {})
        actions[change.action] = actions.get(change.action, 0) + 1
    return found


def _text(objects: Iterable[tuple[str, str, Any]]) -> str:
    return "".join(
        f"{line}\n" for kind, key, value in objects if value is not None for line in _lines(kind, key, value)
    )


def _lines(kind: str, key: str, value: Any) -> list[str]:
    """One line for an object that is all attributes; a heading and the content for one that is a text."""
    if kind == kinds.RULESET:
        return [f"{kind} {key}:", *(f"  {line}" for line in value.signature)]
    if kind == kinds.FILE:
        content = [f"-> {value.target}"] if value.target is not None else value.text.splitlines()
        return [f"{kind} {key} (mode {value.mode:04o}):", *(f"  {line}" for line in content)]
    if kind == kinds.FIREWALLD_POLICY:
        return [f"{kind} {key}:", *(f"  {line}" for line in value.xml.splitlines())]
    if kind == kinds.POLICY:
        return [f"{kind}: digest={value.digest} objects={value.objects}"]
    if kind == kinds.PROGRAM:
        return [f"{kind}: {value.digest}"]
    attributes = (f"{name}={item}" for name, item in value._asdict().items() if item is not None)
    return [f"{kind} {key}: {' '.join(attributes)}"]
