# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A run as one HTML page with everything in it: no script, no font, no picture from anywhere else.

The page is well-formed XML too, which is what its tests read it with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from .environment import leaves
from .metrics import METRICS, Metric
from .result import Result
from .table import heading, latencies, notes, rows

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #8888; padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
td.figure { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
figure { margin: 1rem 0; } svg { height: auto; max-width: 100%; }
summary { cursor: pointer; margin-top: 1.5rem; }
.wide { overflow-x: auto; }
"""


def page(result: Result, figures: Mapping[str, str]) -> str:
    """figures: SVG elements by the key of their metric, each with a title of its own."""
    title = f"Benchmark of {', '.join(result.interfaces)}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(result.started)} to {escape(result.finished)}.</p>",
        _list(notes(result)),
        *(_section(result, metric, figures.get(metric.key, "")) for metric in METRICS if rows(result, metric)),
        _latencies(result),
        _environment(result),
    ]
    head = f'<meta charset="utf-8"/>\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>'
    meta = '<meta name="viewport" content="width=device-width"/>'
    inside = "\n".join(part for part in body if part)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n{meta}\n</head>\n<body>\n{inside}\n</body>\n</html>\n'


def _section(result: Result, metric: Metric, figure: str) -> str:
    table = _table(("interface", "median", "lowest–highest", f"ratio to {result.baseline}"), rows(result, metric))
    shown = f"\n<figure>{figure}</figure>" if figure else ""
    return f'<section id="{escape(metric.key)}">\n<h2>{escape(heading(metric))}</h2>{shown}\n{table}\n</section>'


def _latencies(result: Result) -> str:
    found = latencies(result)
    if not found:
        return ""
    head = ("interface", "latency", "lowest", "median", "99 %", "highest", "unanswered")
    return f'<section id="latency">\n<h2>Latency of all rounds together (ms)</h2>\n{_table(head, found)}\n</section>'


def _environment(result: Result) -> str:
    """Folded away: who wonders about a figure looks here."""
    told = {
        "Settings": result.settings,
        "Plans (SHA-256)": result.plans,
        **{f"Interface {name}": found for name, found in result.interfaces.items()},
        **{f"Host {host}": found for host, found in result.environment.items()},
        "Order of the rounds": {str(number): order for number, order in enumerate(result.schedule, start=1)},
    }
    tables = {name: _table((), sorted(leaves(found)), plain=True) for name, found in told.items()}
    return "\n".join(
        f"<details>\n<summary>{escape(name)}</summary>\n{table}\n</details>" for name, table in tables.items()
    )


def _table(head: Sequence[str], body: Sequence[Sequence[str]], plain: bool = False) -> str:
    """The first column names the row. plain: no head, nothing but text."""
    lines = [] if plain else ["<tr>" + "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head) + "</tr>"]
    kind = "" if plain else ' class="figure"'
    for first, *rest in body:
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    inside = "\n".join(lines)
    return f'<div class="wide"><table>\n{inside}\n</table></div>'


def _list(items: Sequence[str]) -> str:
    inside = "\n".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>\n{inside}\n</ul>"
