# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The picture of a domain as an SVG element: boxes for hosts, lines for connections, coloured by health, and what is
known of each under the pointer. It needs no script. Everything that it says is in the page's tables too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from ...model.plan import HUB, NAS, PEER, ROUTER, RUNNER
from ...model.site import HEALTHS, EdgeReport, HostReport, SiteStatus
from ...model.topology import CLIENT
from ..status.text import printable, span, width
from .layout import BOX_HEIGHT, BOX_WIDTH, Box, Line, layout
from .text import short

# Of a label in letters of 12 pixels, each 7.3 wide.
_MOST_LETTERS = 14
# What stands in a box beside the name, within 12 by 12.
_SHAPES = {
    HUB: '<path class="shape" d="M6 0 12 6 6 12 0 6Z"/>',
    RUNNER: '<path class="shape" d="M1 1H11V11H1Z"/>',
    ROUTER: '<path class="shape" d="M6 0 12 11H0Z"/>',
    NAS: '<path class="shape" d="M0 1H12V5H0ZM0 7H12V11H0Z"/>',
    PEER: '<path class="shape" d="M3 1H9L12 6 9 11H3L0 6Z"/>',
    CLIENT: '<circle class="shape" cx="6" cy="6" r="5"/>',
}
_ROLES = {HUB: "hub", RUNNER: "runner", ROUTER: "router", NAS: "NAS", PEER: "managed peer", CLIENT: "client"}
HEALTH_WORDS = {
    "good": "as it should be",
    "poor": "works, but not as planned",
    "down": "does not work, or does not answer",
    "idle": "client that is not there now",
    "unknown": "not known",
}

STYLE = """
svg.domain text { font: 12px ui-monospace, 'DejaVu Sans Mono', monospace; fill: var(--ink); }
.node rect { fill: var(--box); stroke: var(--colour); stroke-width: 2; }
.shape { fill: var(--colour); }
.edge path { fill: none; } .edge .line { stroke: var(--colour); stroke-width: 2; }
.edge .hit { stroke: transparent; stroke-width: 10; }
.edge:hover .line, .edge:focus .line { stroke-width: 4; } .node:hover rect, .node:focus rect { stroke-width: 4; }
.good { --colour: var(--good); } .poor { --colour: var(--poor); } .down { --colour: var(--down); }
.idle { --colour: var(--idle); } .unknown { --colour: var(--unknown); }
.edge.poor .line { stroke-dasharray: 8 4; } .edge.down .line { stroke-dasharray: 2 4; stroke-width: 3; }
.edge.idle .line { stroke-width: 1; } .edge.unknown .line { stroke-dasharray: 1 6; }
"""


def picture(site: SiteStatus) -> str:
    drawn = layout(site.topology)
    hosts = {host.name: host for host in site.hosts}
    reports = {report.edge: report for report in site.edges}
    lines = [([reports[edge] for edge in line.edges], line) for line in drawn.lines]
    # The worst ones last: they lie over others in the same lane.
    lines.sort(key=lambda item: -HEALTHS.index(_worst(item[0])))
    inside = [*(_line(found, line) for found, line in lines), *(_box(box, site, hosts) for box in drawn.boxes)]
    size = f'width="{drawn.width}" height="{drawn.height}" viewBox="0 0 {drawn.width} {drawn.height}"'
    title = "Hosts and their connections; the tables below say the same."
    return f'<svg class="domain" role="group" aria-label="{title}" {size}>\n' + "\n".join(inside) + "\n</svg>"


def legend() -> str:
    """Lines and boxes, and what they mean."""
    lines = [
        f'<li class="{health}"><svg width="44" height="12"><g class="edge {health}">'
        f'<path class="line" d="M0 6H44"/></g></svg> {HEALTH_WORDS[health]}</li>'
        for health in reversed(HEALTHS)
    ]
    shapes = [
        f'<li class="unknown"><svg width="14" height="12">{_SHAPES[role]}</svg> {_ROLES[role]}</li>' for role in _ROLES
    ]
    return '<ul class="legend">' + "".join(lines + shapes) + "</ul>"


def about(report: EdgeReport) -> list[str]:
    """What is known of a connection, a line each."""
    edge = report.edge
    ends = f"{edge.near.node} {edge.near.link} – {edge.far.node} {edge.far.link}".rstrip()
    return [f"{edge.kind}: {ends}: {HEALTH_WORDS[report.health]}", *report.words, *report.facts]


def about_host(host: HostReport) -> list[str]:
    head = [f"{host.name} ({_ROLES.get(host.role, host.role or 'nothing planned')})"]
    status = host.status
    if status is None:
        return [*head, host.failure if host.asked else "not asked in this run"]
    if status.plan is None:
        head.append("no plan is stored there")
    else:
        head.append(f"its plan: {short(status.drift)}, stored {span(status.now - status.plan.stored)} ago")
    head.append(f"the intent: {short(host.intent) if host.intent else 'plans nothing here'}")
    found = dict.fromkeys((*status.drift.differences, *(host.intent.differences if host.intent else ())))
    return [*head, *map(str, found)]


def clean(text: str) -> str:
    """For HTML and XML: no letter that neither may have, and none that is markup."""
    return escape(printable(text))


def _worst(reports: Iterable[EdgeReport]) -> str:
    return min((report.health for report in reports), key=HEALTHS.index)


def _line(reports: Iterable[EdgeReport], line: Line) -> str:
    found = list(reports)
    edge = found[0].edge
    words = _title(text for report in found for text in about(report))
    corners = " ".join(f"{x} {y}" for x, y in line.points)
    ends = f'data-from="{clean(edge.near.node)}" data-to="{clean(edge.far.node)}"'
    return (
        f'<g class="edge {_worst(found)}" tabindex="0" {ends}>{words}'
        f'<path class="hit" d="M{corners}"/><path class="line" d="M{corners}"/></g>'
    )


def _box(box: Box, site: SiteStatus, hosts: Mapping[str, HostReport]) -> str:
    node = box.node
    host = hosts.get(node.id)
    if host is None:
        mine = [report for report in site.edges if report.edge.far.node == node.id]
        health, words = _worst(mine), [f"{node.label} (client)", *(text for report in mine for text in about(report))]
    else:
        health, words = host.health, about_host(host)
    shape = _SHAPES.get(node.role, _SHAPES[PEER])
    return (
        f'<g class="node {health}" tabindex="0" data-node="{clean(node.id)}" transform="translate({box.x} {box.y})">'
        f'{_title(words)}<rect width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<g transform="translate(9 9)">{shape}</g><text x="28" y="19">{clean(_fitting(node.label))}</text></g>'
    )


def _title(lines: Iterable[str]) -> str:
    return "<title>" + "\n".join(map(clean, lines)) + "</title>"


def _fitting(label: str) -> str:
    """As much of it as the box has room for."""
    if width(label) <= _MOST_LETTERS:
        return label
    while width(label) > _MOST_LETTERS - 1:
        label = label[:-1]
    return label + "…"
