# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pictures of a benchmark, drawn by matplotlib, which only the controller needs and only for this."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from ansible_collections.weft.overlay.plugins.module_utils.measure.statistics import quantile
from ansible_collections.weft.overlay.plugins.module_utils.measure.table import number

try:
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    MISSING: str | None = None
except ImportError as missing:
    MISSING = f"a benchmark's plots need matplotlib on the controller: pip install matplotlib ({missing})"

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
# Stands for the text colour of the page, which is dark on light or light on dark. matplotlib wants a number.
_INK = "#010203"
# Both are seen on white and on black (contrast at least 3 to 1).
_BAR = "#4a86c5"
_POINT = "#c8641e"
_ON_PAPER = "#222222"


def draw(key: str, title: str, unit: str, values: Mapping[str, Sequence[float]], baseline: str) -> tuple[str, bytes]:
    """(SVG element for a page, PNG file): a bar for each interface's median, a line from its lowest to its highest
    round, a point for each round, and the baseline's median across."""
    settings = {"svg.fonttype": "none", "svg.hashsalt": key}
    with rc_context(settings):
        svg, png = io.BytesIO(), io.BytesIO()
        _figure(title, unit, values, baseline, _INK).savefig(
            svg, format="svg", transparent=True, metadata={"Date": None}
        )
        _figure(title, unit, values, baseline, _ON_PAPER).savefig(png, format="png", dpi=144)
    return _element(svg.getvalue(), key, title, _told(unit, values)), png.getvalue()


def _figure(title: str, unit: str, values: Mapping[str, Sequence[float]], baseline: str, ink: str) -> Figure:
    figure = Figure(figsize=(max(6.0, 2 + 0.6 * len(values)), 3.6), layout="constrained")
    axes = figure.subplots()
    for place, taken in enumerate(values.values()):
        _column(axes, place, sorted(taken), taken, ink)
    if values.get(baseline):
        axes.axhline(_median(values[baseline]), color=ink, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(values)), list(values))
    axes.set_ylim(bottom=0)
    axes.set_ylabel(unit, color=ink)
    axes.set_title(title, color=ink, fontsize="medium")
    axes.tick_params(colors=ink)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(ink)
    return figure


def _column(axes: Axes, place: int, ordered: Sequence[float], taken: Sequence[float], ink: str) -> None:
    """The points stand beside each other in the order of their rounds."""
    if not taken:
        return
    axes.bar(place, _median(ordered), width=0.6, color=_BAR)
    axes.vlines(place, ordered[0], ordered[-1], color=ink, linewidth=1.5)
    step = 0.5 / max(len(taken) - 1, 1)
    beside = [place + (number - (len(taken) - 1) / 2) * step for number in range(len(taken))]
    axes.scatter(beside, list(taken), s=14, color=_POINT, zorder=3)


def _element(svg: bytes, key: str, title: str, told: str) -> str:
    """matplotlib's file as an element that can stand in a page beside others: with words for those who do not see it,
    names of its own, the page's text colour, and nothing that points elsewhere."""
    root = ElementTree.fromstring(svg)  # noqa: S314  # drawn just now, by ourselves
    for inner in root.findall(f"{{{_SVG}}}metadata") + root.findall(f"{{{_SVG}}}defs"):
        # Of the definitions, only a style sheet goes: in a page it would be one for all of it.
        if inner.tag.endswith("metadata") or inner.find(f"{{{_SVG}}}style") is not None:
            root.remove(inner)
    for element in root.iter():
        for attribute, value in element.attrib.items():
            element.set(attribute, _local(attribute, value, key))
    root.attrib.update({"role": "img", "aria-labelledby": f"{key}-title {key}-told"})
    for place, (name, text) in enumerate((("title", title), ("desc", told))):
        words = ElementTree.Element(f"{{{_SVG}}}{name}", {"id": f"{key}-{'told' if place else 'title'}"})
        words.text = text
        root.insert(place, words)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _local(attribute: str, value: str, key: str) -> str:
    if attribute == "id":
        return f"{key}-{value}"
    if attribute == f"{{{_XLINK}}}href":
        return re.sub(r"^#", f"#{key}-", value)
    return value.replace("url(#", f"url(#{key}-").replace(_INK, "currentColor")


def _told(unit: str, values: Mapping[str, Sequence[float]]) -> str:
    shown = (
        f"{name}: median {number(_median(taken))}, {number(min(taken))} to {number(max(taken))} {unit}"
        for name, taken in values.items()
        if taken
    )
    return "; ".join(shown)


def _median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)
