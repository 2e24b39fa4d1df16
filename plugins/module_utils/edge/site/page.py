# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The status of a domain as one HTML page with everything in it: no script, no font, no picture from anywhere else.

The page is well-formed XML too. Its policy lets a browser load nothing, whatever a name in it may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.probe import Answer
from ...model.site import EdgeReport, HostReport, SiteStatus
from ..status.text import changes, ending, span, utc
from .picture import HEALTH_WORDS, STYLE, clean, legend, picture
from .text import short

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --box: #ffffff; --paper: #f6f7f9; --rule: #c3c9d0;
  --good: #18794e; --poor: #a15c00; --down: #c62a2f; --idle: #5f6b7a; --unknown: #7a5fb0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --box: #1d2125; --paper: #121417; --rule: #454c54;
  --good: #4cc38a; --poor: #f1a10d; --down: #ff6369; --idle: #9aa5b1; --unknown: #b29ae8; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { border-bottom: 1px solid var(--rule); padding: .15rem .8rem .15rem 0; text-align: left; vertical-align: top; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } td.health { color: var(--colour); font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; list-style: none; padding: 0; }
"""
# The browser may use the styles of this page, an empty icon, and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(site: SiteStatus) -> str:
    title = f"Overlay status of {utc(site.when)}"
    head = "\n".join(
        (
            '<meta charset="utf-8"/>',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>',
            '<meta name="viewport" content="width=device-width"/>',
            '<link rel="icon" href="data:,"/>',
            f"<title>{clean(title)}</title>",
            f"<style>{_STYLE}{STYLE}</style>",
        )
    )
    inside = "\n".join(part for part in _parts(site, title) if part)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{inside}\n</body>\n</html>\n'


def _parts(site: SiteStatus, title: str) -> Iterator[str]:
    yield f"<h1>{clean(title)}</h1>"
    yield f"<p>{clean(_sentence(site))}</p>"
    yield legend()
    yield f'<figure class="wide">{picture(site)}</figure>'
    head = ("host", "role", "health", "its plan", "the intent", "stored", "services", "policed interfaces")
    yield _table("Hosts", head, [_host(host) for host in site.hosts], health=2)
    told = [host for host in site.hosts if host.status]
    waits = [(host.name, line) for host in told for line in changes(host.status)]
    yield _table("Changes that are not confirmed", ("host", "what"), waits)
    yield _table("What differs", ("host", "from", "what"), list(_differences(site)))
    head = ("from", "to", "kind", "health", "what is wrong", "what was seen")
    yield _table("Connections", head, [_edge(report) for report in site.edges], health=3)
    yield _reach(site)
    ends = [(host.name, ending(one, host.status.now)) for host in told for one in host.status.endings]
    yield _table("What ends", ("host", "what"), ends)
    head = ("number", "of", "the ledger", "seen", "health")
    rows = [(one.what, one.name, one.remembered, one.seen, "good" if one.same else "down") for one in site.numbers]
    yield _table("Ledger against live", head, rows, health=4)


def _sentence(site: SiteStatus) -> str:
    asked = [host for host in site.hosts if host.asked]
    reached = [host for host in asked if host.status is not None]
    told = f"{len(reached)} of {len(asked)} hosts answered, {sum(host.in_sync for host in reached)} are in sync."
    left = len(site.hosts) - len(asked)
    return told + (f" {left} were not asked in this run." if left else "")


def _host(host: HostReport) -> tuple[str, ...]:
    status = host.status
    if status is None:
        return (host.name, host.role, host.health, host.failure if host.asked else "not asked", "", "", "", "")
    return (
        host.name,
        host.role,
        host.health,
        "no plan" if status.plan is None else short(status.drift),
        short(host.intent) if host.intent else "plans nothing here",
        f"{utc(status.plan.stored)}, {span(status.now - status.plan.stored)} ago" if status.plan else "",
        ", ".join(one.unit + ("" if one.runs else " DOES NOT RUN") for one in status.services),
        ", ".join(one.interface + ("" if one.attached else " OPEN") for one in status.policed),
    )


def _differences(site: SiteStatus) -> Iterator[tuple[str, str, str]]:
    for host in site.hosts:
        own = host.status.drift if host.status else None
        for one in own.differences if own else ():
            yield host.name, "its plan", str(one)
        for one in host.intent.differences if host.intent else ():
            if own is None or one not in own.differences:
                yield host.name, "the intent", str(one)
        for subject, message in own.in_the_way if own else ():
            yield host.name, "in the way", f"{subject}: {message}"


def _edge(report: EdgeReport) -> tuple[str, ...]:
    edge = report.edge
    ends = (f"{end.node} {end.link}".rstrip() for end in (edge.near, edge.far))
    return (*ends, edge.kind, report.health, "; ".join(report.words), "; ".join(report.facts))


def _reach(site: SiteStatus) -> str:
    """Who reaches whom, by which way, and with how large a packet."""
    if not site.answers:
        return ""
    names = [host.name for host in site.hosts]
    rows = [
        (asker, *(_cell([one for one in site.answers[asker] if one.to == name]) for name in names))
        for asker in names
        if asker in site.answers
    ]
    told = "Path MTU of each way, as packets really passed; ✗ where nobody answered."
    return f"{_table('Who reaches whom', ('from', *names), rows)}\n<p>{told}</p>"


def _cell(answers: Sequence[Answer]) -> str:
    return ", ".join(f"{one.way} {one.mtu if one.answered else '✗'}" for one in answers)


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], health: int | None = None) -> str:
    """health: the column that says it, in its colour. Nothing without rows. The first column names the row."""
    if not rows:
        return ""
    lines = ["<tr>" + "".join(f'<th scope="col">{clean(cell)}</th>' for cell in head) + "</tr>"]
    for row in rows:
        cells = [
            f'<td class="health {cell}">{HEALTH_WORDS[cell]}</td>' if column == health else f"<td>{clean(cell)}</td>"
            for column, cell in enumerate(row)
        ]
        lines.append(f'<tr><th scope="row">{clean(row[0])}</th>{"".join(cells[1:])}</tr>')
    inside = "\n".join(lines)
    return f'<section>\n<h2>{caption}</h2>\n<div class="wide"><table>\n{inside}\n</table></div>\n</section>'
