# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Everything one host should be, as a value with one canonical spelling."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from . import policy_text
from .access import Access, Reach
from .address import Address
from .client import ClientConfig
from .docker import DockerNetwork
from .errors import PlanError
from .firewall import Firewall
from .labelled import Labelled
from .link import Link
from .policy import PolicyMaps
from .route import Borrowed, Route
from .rule import Rule
from .sending import Audit, Collector
from .sysctl import Sysctl
from .version import fault
from .wireguard import Device, Peer

PLAN_VERSION = 1

HUB = "hub"
RUNNER = "runner"
ROUTER = "router"
NAS = "nas"
PEER = "peer"


class HostPlan(NamedTuple):
    """host: its inventory name. role: HUB, RUNNER, ROUTER, NAS or PEER.

    space: prefixes that belong to the overlay alone; a foreign route or Docker network inside them is a conflict.
    firewall: of the overlay; None where it filters nothing (a runner in default mode).
    devices, peers: of the WIREGUARD links. clients: whose configuration this host keeps. accesses: one gate for each
    interface that has clients. policy: what the host's policed interfaces judge by; None: it has none.
    borrowed: routes of others that the tables of networks need too. audit: where it sends its denials; None: they stay
    here. collector: whose denials it collects; None: nobody's. labelled: peers that its containers may be.
    """

    host: str
    role: str
    space: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    sysctls: tuple[Sysctl, ...] = ()
    firewall: Firewall | None = None
    networks: tuple[DockerNetwork, ...] = ()
    devices: tuple[Device, ...] = ()
    peers: tuple[Peer, ...] = ()
    clients: tuple[ClientConfig, ...] = ()
    accesses: tuple[Access, ...] = ()
    rules: tuple[Rule, ...] = ()
    policy: PolicyMaps | None = None
    borrowed: tuple[Borrowed, ...] = ()
    audit: Audit | None = None
    collector: Collector | None = None
    labelled: tuple[Labelled, ...] = ()


_LISTS = {
    "links": Link,
    "addresses": Address,
    "routes": Route,
    "sysctls": Sysctl,
    "networks": DockerNetwork,
    "devices": Device,
    "peers": Peer,
    "clients": ClientConfig,
    "accesses": Access,
    "rules": Rule,
    "borrowed": Borrowed,
    "labelled": Labelled,
}


def to_json(plan: HostPlan) -> str:
    """Canonical JSON: sorted keys, one space of indent, a final newline; same plan, same bytes.

    What came later is left out where it says nothing, so a plan without it has the bytes that it always had.
    """
    document: dict[str, Any] = plan._asdict()
    for name in _LISTS:
        document[name] = [value._asdict() for value in document[name]]
    for link in document["links"]:
        del link["gated"]
        if link["far"] is None:
            del link["far"]
        if not link["by_mark"]:
            del link["by_mark"]
    document["routes"] = [_without_defaults(route) for route in plan.routes]
    document["borrowed"] = [_without_defaults(route) for route in plan.borrowed]
    for name in ("rules", "borrowed", "labelled"):
        if not document[name]:
            del document[name]
    for name in ("audit", "collector"):
        said = document.pop(name)
        if said is not None:
            document[name] = said._asdict()
    for access in document["accesses"]:
        access["reaches"] = [reach._asdict() for reach in access["reaches"]]
    if plan.firewall is not None:
        document["firewall"] = plan.firewall._asdict()
    document["version"] = PLAN_VERSION
    del document["policy"]
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if plan.policy is None:
        return text
    # At its place in the order of keys. Strings have no line breaks here, and what is deeper stands further in.
    policy = _indented(policy_text.to_json(plan.policy))
    return text.replace('\n "role": ', f'\n "policy": {policy},\n "role": ', 1)


def _indented(text: str) -> str:
    return text.rstrip("\n").replace("\n", "\n ")


def _without_defaults(route: Route | Borrowed) -> dict[str, Any]:
    return {name: value for name, value in route._asdict().items() if value != route._field_defaults.get(name)}


def from_json(text: str) -> HostPlan:
    """Read what to_json wrote. Raises PlanError for anything else, before a value of it is used."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the plan is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise PlanError("the plan is not a JSON object")
    if wrong := fault(document.pop("version", None), PLAN_VERSION):
        raise PlanError(f"the plan has {wrong}")
    for name, shape in _LISTS.items():
        items = document.get(name, [])
        if not isinstance(items, list):
            raise PlanError(f"the plan has {items!r} where a list of {name} should be")
        document[name] = tuple(_value(shape, item) for item in items)
    document["accesses"] = tuple(_access(access) for access in document["accesses"])
    document["labelled"] = tuple(_labelled(labelled) for labelled in document["labelled"])
    if "policy" in document:
        document["policy"] = policy_text.from_document(document["policy"])
    if document.get("firewall") is not None:
        document["firewall"] = _value(Firewall, document["firewall"])
    if document.get("audit") is not None:
        document["audit"] = _value(Audit, document["audit"])
    if document.get("collector") is not None:
        document["collector"] = _collector(document["collector"])
    plan: HostPlan = _value(HostPlan, document)
    return plan


def _access(access: Access) -> Access:
    return access._replace(reaches=tuple(_value(Reach, item) for item in access.reaches))


def _labelled(labelled: Labelled) -> Labelled:
    try:
        return labelled._replace(labels=tuple((str(key), str(value)) for key, value in labelled.labels))
    except (TypeError, ValueError) as error:
        raise PlanError(f"the plan has {labelled.labels!r} where labels with their values should be") from error


def _collector(item: Any) -> Collector:
    collector: Collector = _value(Collector, item)
    try:
        hosts = tuple((str(host), str(certificate)) for host, certificate in collector.hosts)
    except (TypeError, ValueError) as error:
        raise PlanError(f"the plan has {item['hosts']!r} where hosts with their certificates should be") from error
    return collector._replace(hosts=hosts)


def _value(shape: Any, item: Any) -> Any:
    if not isinstance(item, dict):
        raise PlanError(f"the plan has {item!r} where a {shape.__name__} should be")
    try:
        return shape(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})
    except TypeError as error:
        raise PlanError(f"the plan has a {shape.__name__} of another shape ({error})") from error
