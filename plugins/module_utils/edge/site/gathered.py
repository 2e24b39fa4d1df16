# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run of the playbook status gathered → how the domain stands. What hosts said is checked for its shape."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from ...compile.ledger import Ledger
from ...model.errors import PlanError
from ...model.plan import HostPlan
from ...model.probe import Answer
from ...model.site import HostReport, SiteStatus
from ...model.topology import Node
from ..status.data import drift_from, from_data
from ..topology import topology
from .health import edge_reports
from .ledger import numbers


class Told(NamedTuple):
    """What is known of one host after a run. asked: it was in the run. status, probed: results as Ansible registered
    them, None: no task was run. reached_at: the inventory's ansible_host."""

    asked: bool
    status: Any = None
    probed: Any = None
    reached_at: Any = None


def site_of(plans: Mapping[str, HostPlan], ledger: Ledger, told: Mapping[str, Told], now: int) -> SiteStatus:
    hosts = {
        name: _report(name, plans[name].role if name in plans else "", told.get(name, Told(False)))
        for name in sorted({*plans, *told})
    }
    found = topology(plans, addresses({name: (one.status, one.reached_at) for name, one in told.items()}))
    others = tuple(Node(name, name, "") for name in hosts if name not in plans)
    found = found._replace(nodes=(*others, *found.nodes))
    answers = {name: each for name, one in told.items() if (each := _answers(one.probed))}
    edges = edge_reports(found, hosts, answers, now)
    return SiteStatus(now, tuple(hosts.values()), found, edges, answers, numbers(ledger, plans, hosts))


def addresses(told: Mapping[str, tuple[Any, Any]]) -> dict[str, str]:
    """Where each host is reached: as itself says, else as the inventory says, if that is an address."""
    found = {}
    for host, (status, reached_at) in told.items():
        said = status.get("status") if isinstance(status, Mapping) else None
        for value in ((said or {}).get("address"), reached_at):
            if _is_address(value):
                found[host] = str(value)
                break
    return found


def _is_address(value: Any) -> bool:
    try:
        return isinstance(value, str) and not ip_address(value).is_loopback
    except ValueError:
        return False


def _report(name: str, role: str, told: Told) -> HostReport:
    result = told.status if isinstance(told.status, Mapping) else {}
    if "status" not in result:
        why = "not reached" if result.get("unreachable") else str(result.get("msg") or "it was not asked")
        return HostReport(name, role, told.asked, why)
    try:
        intent = drift_from(result["intent"]) if "intent" in result else None
        return HostReport(name, role, told.asked, "", from_data(result["status"]), intent)
    except PlanError as error:
        return HostReport(name, role, told.asked, str(error))
    except (KeyError, TypeError, ValueError) as error:
        return HostReport(name, role, told.asked, f"what it said of the intent cannot be read ({error!r})")


def _answers(probed: Any) -> tuple[Answer, ...]:
    """What is no answer is none."""
    said = probed.get("answers") if isinstance(probed, Mapping) else None
    found = []
    for one in said or ():
        try:
            texts = (str(one["way"]), str(one["to"]), str(one["address"]))
            found.append(
                Answer(*texts, bool(one["answered"]), float(one["milliseconds"]), int(one["mtu"]), str(one["words"]))
            )
        except (KeyError, TypeError, ValueError):
            continue
    return tuple(found)
