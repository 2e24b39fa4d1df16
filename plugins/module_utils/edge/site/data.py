# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The status of a domain as JSON data: what the file for machines has, documented in docs/status.md."""

from __future__ import annotations

from typing import Any

from ...model.site import SITE_VERSION, EdgeReport, HostReport, SiteStatus
from ..status.data import drift_data, to_data


def site_data(site: SiteStatus) -> dict[str, Any]:
    return {
        "version": SITE_VERSION,
        "when": site.when,
        "healthy": site.healthy,
        "hosts": {host.name: _host(host) for host in site.hosts},
        "connections": [_edge(report) for report in site.edges],
        "probes": [
            {"from": asker, **answer._asdict()} for asker, found in sorted(site.answers.items()) for answer in found
        ],
        "ledger": [{**number._asdict(), "same": number.same} for number in site.numbers],
    }


def _host(host: HostReport) -> dict[str, Any]:
    return {
        "role": host.role,
        "asked": host.asked,
        "reached": host.status is not None,
        "failure": host.failure,
        "health": host.health,
        "status": to_data(host.status) if host.status else None,
        "intent": {"state": host.intent.state, **drift_data(host.intent)} if host.intent else None,
    }


def _edge(report: EdgeReport) -> dict[str, Any]:
    edge = report.edge
    ends = {name: {**end._asdict(), "addresses": list(end.addresses)} for name, end in _ends(report)}
    return {
        "kind": edge.kind,
        **ends,
        "expires": edge.expires,
        "health": report.health,
        "words": list(report.words),
        "facts": list(report.facts),
    }


def _ends(report: EdgeReport) -> tuple[tuple[str, Any], ...]:
    return ("near", report.edge.near), ("far", report.edge.far)
