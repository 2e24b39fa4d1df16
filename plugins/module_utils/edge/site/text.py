# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The status of a domain as lines for a terminal: a line for each host, then all that is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.probe import OVERLAY, UNDERLAY
from ...model.site import DOWN, HEALTHS, POOR, HostReport, SiteStatus
from ...model.status import Drift
from ..status.text import changes, ending, printable, span, table

# Of those whom one host does not answer, so many are named.
_MOST_ASKERS = 5


def lines(site: SiteStatus) -> list[str]:
    return list(map(printable, _lines(site)))


def _lines(site: SiteStatus) -> Iterator[str]:
    head = ("host", "role", "its plan", "the intent", "stored", "services", "policed", "connections")
    yield from table(head, [_row(site, host) for host in site.hosts])
    for host in site.hosts:
        yield from _host(host)
    for edge in site.edges:
        for words in edge.words if edge.health in {POOR, DOWN} else ():
            yield f"{edge.health}: {edge.edge.near.node} – {edge.edge.far.node} ({edge.edge.kind}): {words}"
    yield from _silent(site)
    for number in site.numbers:
        if not number.same:
            yield (
                f"ledger: {number.what} of {number.name}: remembered {number.remembered or 'nothing'}, "
                f"seen {number.seen or 'nothing'}"
            )
    yield _end(site)


def _row(site: SiteStatus, host: HostReport) -> tuple[str, ...]:
    status = host.status
    if status is None:
        return (host.name, host.role, host.failure if host.asked else "not asked", "", "", "", "", _edges(site, host))
    runs = [one.runs for one in status.services]
    attached = [one.attached for one in status.policed]
    return (
        host.name,
        host.role,
        "no plan" if status.plan is None else short(status.drift),
        "plans nothing here" if host.intent is None else short(host.intent),
        f"{span(status.now - status.plan.stored)} ago" if status.plan else "",
        f"{sum(runs)} of {len(runs)}" if runs else "",
        f"{sum(attached)} of {len(attached)}" if attached else "",
        _edges(site, host),
    )


def short(drift: Drift) -> str:
    count = len(drift.differences)
    if count:
        return f"{count} differences" if count > 1 else "1 difference"
    return drift.state


def _edges(site: SiteStatus, host: HostReport) -> str:
    """`3 good, 1 down`"""
    found = [one.health for one in site.edges if host.name in (one.edge.near.node, one.edge.far.node)]
    return ", ".join(f"{found.count(health)} {health}" for health in reversed(HEALTHS) if health in found)


def _host(host: HostReport) -> Iterator[str]:
    if host.status is None:
        return
    yield from (f"{host.name}: {line}" for line in changes(host.status))
    own = host.status.drift
    for difference in own.differences:
        yield f"{host.name}: {difference}"
    for difference in host.intent.differences if host.intent else ():
        if difference not in own.differences:
            yield f"{host.name}: intent: {difference}"
    for subject, message in dict.fromkeys((*own.in_the_way, *(host.intent.in_the_way if host.intent else ()))):
        yield f"{host.name}: in the way: {subject}: {message}"
    for one in host.status.endings:
        yield f"{host.name}: {ending(one, host.status.now)}"


def _silent(site: SiteStatus) -> Iterator[str]:
    """What goes by no edge: hosts by their own addresses, and runners by way of the hub. By who does not answer."""
    for way in (UNDERLAY, OVERLAY):
        found: dict[tuple[str, str], list[str]] = {}
        for asker, answers in sorted(site.answers.items()):
            for one in answers:
                if one.way == way and not one.answered:
                    found.setdefault((one.to, one.address), []).append(asker)
        for (to, address), askers in sorted(found.items()):
            more = f" and {len(askers) - _MOST_ASKERS} more" if len(askers) > _MOST_ASKERS else ""
            yield f"no answer, {way}: {to} ({address}) to {', '.join(askers[:_MOST_ASKERS])}{more}"


def _end(site: SiteStatus) -> str:
    if site.healthy and all(host.asked for host in site.hosts):
        return "all as intended"
    if site.healthy:
        return "as intended, as far as hosts were asked"
    mends = any(host.status is not None and not host.in_sync for host in site.hosts)
    return "site.yml mends what differs" if mends else "no host differs from the intent, but not all is well: see above"
