# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host's status as JSON data, and back: documented in docs/status.md, and read from hosts by the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...model.errors import PlanError
from ...model.status import (
    STATUS_VERSION,
    Carried,
    Denied,
    Difference,
    Drift,
    Ending,
    HostStatus,
    PeerStatus,
    PendingStatus,
    PlanStamp,
    PolicedStatus,
    RolledBackStatus,
    ServiceStatus,
    TunnelStatus,
)

_Shape = TypeVar("_Shape")
_LISTS: Mapping[str, Any] = {
    "services": ServiceStatus,
    "policed": PolicedStatus,
    "peers": PeerStatus,
    "tunnels": TunnelStatus,
    "endings": Ending,
}
# A release before these were told says nothing of them.
_CHANGES: Mapping[str, Any] = {"pending": PendingStatus, "rolled_back": RolledBackStatus}


def to_data(status: HostStatus) -> dict[str, Any]:
    """Lists, texts and numbers, of which everybody may read all."""
    data: dict[str, Any] = {
        "version": STATUS_VERSION,
        "host": status.host,
        "role": status.role,
        "state": status.state,
        "now": status.now,
        "address": status.address,
        "plan": status.plan._asdict() if status.plan else None,
        **drift_data(status.drift),
        **{name: [one._asdict() for one in getattr(status, name)] for name in _LISTS},
        "denied": None if status.denied is None else [one._asdict() for one in status.denied],
        **{name: one._asdict() if (one := getattr(status, name)) else None for name in _CHANGES},
    }
    for one in data["tunnels"]:
        one["carried"] = one["carried"]._asdict()
    return data


def drift_data(drift: Drift) -> dict[str, Any]:
    return {
        "differences": [one._asdict() for one in drift.differences],
        "in_the_way": [{"subject": subject, "message": message} for subject, message in drift.in_the_way],
        "notes": list(drift.notes),
    }


def from_data(data: Any) -> HostStatus:
    """The reverse; what comes from a host is checked for its shape. Raises PlanError."""
    try:
        if data["version"] != STATUS_VERSION:
            raise ValueError(f"version {data['version']!r} is not {STATUS_VERSION}")
        lists = {name: tuple(_one(shape, item) for item in data[name]) for name, shape in _LISTS.items()}
        denied = None if data["denied"] is None else tuple(_one(Denied, item) for item in data["denied"])
        plan = None if data["plan"] is None else _one(PlanStamp, data["plan"])
        changes = {name: _one(shape, item) for name, shape in _CHANGES.items() if (item := data.get(name)) is not None}
        about = (str(data["host"]), str(data["role"]), int(data["now"]))
        return HostStatus(*about, plan, drift_from(data), str(data["address"]), denied=denied, **lists, **changes)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlanError(f"the status that the host told of itself cannot be read ({error!r})") from error


def drift_from(data: Any) -> Drift:
    """Raises KeyError, TypeError or ValueError for anything else."""
    return Drift(
        tuple(_one(Difference, item) for item in data["differences"]),
        tuple((str(item["subject"]), str(item["message"])) for item in data["in_the_way"]),
        tuple(str(note) for note in data["notes"]),
    )


def _one(shape: Callable[..., _Shape], item: Any) -> _Shape:
    """Each field is of the type that it says. What a newer release says besides is left out."""
    if not isinstance(item, Mapping):
        raise TypeError(f"{item!r} is no object")
    # NamedTuple keeps them as typing.ForwardRef.
    fields = {name: getattr(said, "__forward_arg__", said) for name, said in shape.__annotations__.items()}
    kept = {name: _typed(fields[name], item[name], name) for name in fields if name in item}
    return shape(**kept)


def _typed(annotation: str, value: Any, name: str) -> Any:
    if annotation == "Carried":
        return _one(Carried, value)
    if annotation == "tuple[str, ...]":
        return tuple(_typed("str", item, name) for item in value)
    wanted = {"str": str, "int": int, "bool": bool, "int | None": int}[annotation]
    if value is None and annotation.endswith("None"):
        return None
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise TypeError(f"{name} is {value!r}")
    return value
