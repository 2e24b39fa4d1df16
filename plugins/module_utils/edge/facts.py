# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts on their way from a host to the controller: as JSON data and back."""

from __future__ import annotations

import os
from typing import Any

from ..model import state as kinds
from ..model.docker import DockerNetwork, SeenNetwork
from ..model.errors import PlanError
from ..model.facts import Facts
from ..model.firewall import Refusal
from ..model.link import VXLAN, ForeignLink, Link
from ..model.plan import from_json
from ..model.route import ForeignRoute
from ..model.state import Capabilities, Foreign, Observed, Uplink
from ..model.stored import PLAN_PATH


def facts_of(observed: Observed) -> Facts:
    """What of one look the controller needs; where Ansible came in is read from sshd's environment."""
    living = tuple(link for link in observed.state.get(kinds.LINK, {}).values() if link.kind == VXLAN)
    names = {link.name for link in living}
    stored = tuple(link for link in _stored_links(observed) if link.kind == VXLAN and link.name not in names)
    session = os.environ.get("SSH_CONNECTION", "").split(" ")
    return Facts(observed.capabilities, observed.foreign, living + stored, session[2] if len(session) > 2 else None)


def _stored_links(observed: Observed) -> tuple[Link, ...]:
    """Of the plan that this host would boot; one that cannot be read claims nothing."""
    file = observed.state.get(kinds.FILE, {}).get(PLAN_PATH)
    try:
        return from_json(file.text).links if file else ()
    except PlanError:
        return ()


def to_data(facts: Facts) -> dict[str, Any]:
    """JSON data of plain lists, strings and numbers."""
    foreign = facts.foreign._asdict()
    for name in ("links", "routes", "uplinks", "refusals"):
        foreign[name] = [value._asdict() for value in foreign[name]]
    foreign["networks"] = [{**seen._asdict(), "network": seen.network._asdict()} for seen in facts.foreign.networks]
    return {
        "capabilities": facts.capabilities._asdict(),
        "foreign": foreign,
        "tunnels": [link._asdict() for link in facts.tunnels],
        "reached_at": facts.reached_at,
    }


def from_data(data: Any) -> Facts:
    """The reverse of to_data; what comes from a host is checked for its shape. Raises PlanError."""
    try:
        foreign = dict(data["foreign"])
        foreign["links"] = _all(ForeignLink, foreign["links"])
        foreign["routes"] = _all(ForeignRoute, foreign["routes"])
        foreign["uplinks"] = _all(Uplink, foreign["uplinks"])
        foreign["refusals"] = _all(Refusal, foreign["refusals"])
        foreign["networks"] = tuple(
            _one(SeenNetwork, {**seen, "network": _one(DockerNetwork, seen["network"])}) for seen in foreign["networks"]
        )
        foreign["faults"] = tuple((str(subject), str(message)) for subject, message in foreign["faults"])
        return Facts(
            _one(Capabilities, data["capabilities"]),
            _one(Foreign, foreign),
            _all(Link, data["tunnels"]),
            data["reached_at"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlanError(f"what the host said of itself cannot be read ({error!r})") from error


def _one(shape: Any, item: Any) -> Any:
    return shape(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})


def _all(shape: Any, items: Any) -> tuple[Any, ...]:
    return tuple(_one(shape, item) for item in items)
