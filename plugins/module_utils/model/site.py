# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a whole domain stands: what every host said of itself, and what hosts heard of each other."""

from __future__ import annotations

from typing import NamedTuple

from .probe import Answer
from .status import BLOCKED, DRIFT, IN_SYNC, Drift, HostStatus
from .topology import Edge, Topology

SITE_VERSION = 1

# Health, of hosts and of edges. IDLE: of a client's device that is not there now, which is nobody's fault.
GOOD = "good"
POOR = "poor"
DOWN = "down"
IDLE = "idle"
UNKNOWN = "unknown"
HEALTHS = (DOWN, POOR, UNKNOWN, IDLE, GOOD)


class HostReport(NamedTuple):
    """asked: it was in this run. failure: why there is no status, "" where there is one. intent: against what the
    intent says now; None: it plans nothing for this host."""

    name: str
    role: str
    asked: bool
    failure: str = ""
    status: HostStatus | None = None
    intent: Drift | None = None

    @property
    def health(self) -> str:
        if self.status is None:
            return DOWN if self.asked else UNKNOWN
        if self.status.plan is None:
            return GOOD if self.intent is None and not self.status.drift.differences else DOWN
        drifts = [self.status.drift, *([self.intent] if self.intent else [])]
        return POOR if any(drift.state in {DRIFT, BLOCKED} for drift in drifts) else GOOD

    @property
    def in_sync(self) -> bool:
        """With its own plan, and with the intent."""
        return (
            self.status is not None
            and (self.status.drift.state == IN_SYNC)
            and (self.intent is None or self.intent.state == IN_SYNC)
        )


class EdgeReport(NamedTuple):
    """words: what is wrong. facts: what was seen, whatever the health."""

    edge: Edge
    health: str
    words: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class Number(NamedTuple):
    """What was handed out, as the ledger remembers it and as hosts have it. remembered, seen: texts, "" where there is
    none."""

    what: str
    name: str
    remembered: str
    seen: str

    @property
    def same(self) -> bool:
        return self.remembered == self.seen


class SiteStatus(NamedTuple):
    """when: the controller's clock, Unix time. answers: by the host that asked; empty where nothing was probed."""

    when: int
    hosts: tuple[HostReport, ...]
    topology: Topology
    edges: tuple[EdgeReport, ...]
    answers: dict[str, tuple[Answer, ...]]
    numbers: tuple[Number, ...]

    @property
    def healthy(self) -> bool:
        """Every host that was asked is in sync, every edge that can be known is whole, every number is the same."""
        hosts = all(host.in_sync for host in self.hosts if host.asked)
        edges = all(edge.health not in {POOR, DOWN} for edge in self.edges)
        return hosts and edges and all(number.same for number in self.numbers)
