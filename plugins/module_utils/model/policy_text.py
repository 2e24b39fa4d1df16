# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The canonical spelling of compiled policies: one line for each value, so that `git diff` shows what changed."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .errors import PlanError
from .policy import (
    Attachment,
    Endpoint,
    Identity,
    NetworkName,
    NetworkTag,
    Place,
    PolicyMaps,
    PortClass,
    RuleName,
    Shadow,
    Verdict,
)
from .version import fault

POLICY_VERSION = 1

_LARGEST = (1 << 32) - 1


class _Row(NamedTuple):
    """How a value is spelled as a flat list."""

    shape: Any
    types: tuple[type, ...]


_PLACE = _Row(Place, (int, str, int, int, int, int))
_ROWS = {
    "networks": _Row(NetworkName, (int, str)),
    "identities": _Row(Identity, (int, str, int)),
    "rules": _Row(RuleName, (str, str, int)),
    "destinations": _PLACE,
    "verdicts": _Row(Verdict, (int,) * 7),
    "port_classes": _Row(PortClass, (int, int, int)),
    "attachments": _Row(Attachment, (str, int, int, int)),
    "sources": _PLACE,
    "tags": _Row(NetworkTag, (int, int)),
    "shadows": _Row(Shadow, (int, int, str, str)),
    "speakers": _PLACE,
}
# Left out where empty: what came later changes no byte of policies without it.
_LATER = frozenset(("speakers", "shadows"))


def to_json(maps: PolicyMaps) -> str:
    """Canonical JSON with a final newline: same maps, same bytes."""
    told = (name for name in sorted(_ROWS) if name not in _LATER or getattr(maps, name))
    parts = [f' "{name}": {_rows(getattr(maps, name))}' for name in told]
    return "{\n" + ",\n".join((*parts, f' "version": {POLICY_VERSION}')) + "\n}\n"


def _rows(values: tuple[Any, ...]) -> str:
    if not values:
        return "[]"
    if isinstance(values[0], Place):
        values = tuple((place.scope, place.prefix, *place.endpoint) for place in values)
    return "[\n  " + ",\n  ".join(json.dumps(value, ensure_ascii=False) for value in values) + "\n ]"


def from_json(text: str) -> PolicyMaps:
    """Read what to_json wrote. Raises PlanError for anything else, before a value of it is used."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the policy is not JSON ({error})") from error
    return from_document(document)


def from_document(document: Any) -> PolicyMaps:
    """The same of what json.loads made of it."""
    if not isinstance(document, dict):
        raise PlanError("the policy is not a JSON object")
    document = dict(document)
    if wrong := fault(document.pop("version", None), POLICY_VERSION):
        raise PlanError(f"the policy has {wrong}")
    document = {**{name: [] for name in _LATER}, **document}
    if set(document) != set(_ROWS):
        raise PlanError(f"the policy has {sorted(document)}; it should have {sorted(_ROWS)}")
    return PolicyMaps(**{name: _read(name, row, document[name]) for name, row in _ROWS.items()})


def _read(name: str, row: _Row, items: Any) -> tuple[Any, ...]:
    if not isinstance(items, list):
        raise PlanError(f"the policy has {items!r} where a list of {name} should be")
    for item in items:
        if not (isinstance(item, list) and len(item) == len(row.types) and all(map(_fits, item, row.types))):
            raise PlanError(f"the policy has {item!r} among its {name}")
    if row.shape is Place:
        return tuple(Place(scope, prefix, Endpoint(*endpoint)) for scope, prefix, *endpoint in items)
    return tuple(row.shape(*item) for item in items)


def _fits(value: Any, kind: type) -> bool:
    """JSON's true is no number here, and no number is larger than the maps can hold."""
    if isinstance(value, bool) or not isinstance(value, kind):
        return False
    return not isinstance(value, int) or 0 <= value <= _LARGEST
