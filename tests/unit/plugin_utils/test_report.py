# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The page of a run with its plots, read as XML: what is in it, and what must not be."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.measure.metrics import METRICS, values
from ansible_collections.weft.overlay.plugins.module_utils.measure.page import page
from ansible_collections.weft.overlay.plugins.plugin_utils import plots
from tests.unit.measure.worlds import result

SVG = "{http://www.w3.org/2000/svg}"
RUN = result([100.0, 110.0, 105.0], [200.0, 220.0, 210.0])
ODD = RUN._replace(left_out=[["wg3", "<script>alert('&')</script>"]])


@pytest.fixture(scope="module")
def drawn() -> dict[str, tuple[str, bytes]]:
    return {
        metric.key: plots.draw(metric.key, metric.title, metric.unit, values(RUN, metric), RUN.baseline)
        for metric in METRICS
    }


@pytest.fixture(scope="module")
def text(drawn: dict[str, tuple[str, bytes]]) -> str:
    return page(ODD, {key: svg for key, (svg, _png) in drawn.items()})


@pytest.fixture(scope="module")
def root(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314  # our own page


def test_every_metric_has_a_section_with_a_table_and_a_plot(root: ElementTree.Element) -> None:
    sections = {section.get("id"): section for section in root.iter("section")}
    assert set(sections) == {*(metric.key for metric in METRICS), "latency"}
    for metric in METRICS:
        section = sections[metric.key]
        assert metric.title in (section.findtext("h2") or "")
        assert [row.findtext("th") for row in section.iter("tr")] == ["interface", "wg1", "wg2"]
        assert len(section.findall(f"figure/{SVG}svg")) == 1


def test_a_plot_has_words_for_who_does_not_see_it(root: ElementTree.Element) -> None:
    by_id = {element.get("id"): element for element in root.iter()}
    for figure in root.iter(f"{SVG}svg"):
        assert figure.get("role") == "img"
        title, told = (by_id[name].text or "" for name in (figure.get("aria-labelledby") or "").split())
        assert title in {metric.title for metric in METRICS}
        assert "wg2: median" in told
    assert by_id["tcp-1-told"].text == (
        "wg1: median 105.0, 100.0 to 110.0 Mbit/s; wg2: median 210.0, 200.0 to 220.0 Mbit/s"
    )


def test_names_in_the_page_are_there_once(root: ElementTree.Element) -> None:
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_what_a_plot_refers_to_is_in_the_page(text: str, root: ElementTree.Element) -> None:
    ids = {element.get("id") for element in root.iter()}
    assert set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text)) <= ids


def test_nothing_comes_from_anywhere_else(text: str, root: ElementTree.Element) -> None:
    assert not {element.tag for element in root.iter()} & {"script", "link", "img", "iframe", "object", "base"}
    attributes = [value for element in root.iter() for value in element.attrib.values()]
    assert not [value for value in attributes if "://" in value or value.startswith("//")]
    assert not re.search(r"@import|url\((?!#)", text)
    # the names of the two XML formats are no places
    assert set(re.findall(r"https?://[^\s\"<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_it_is_legible_on_dark_and_on_light(text: str, root: ElementTree.Element) -> None:
    assert "color-scheme: light dark" in text
    styles = " ".join(f"{element.get('style')} {element.get('fill')}" for element in root.iter())
    assert "currentColor" in styles
    # whatever is neither the page's own colour nor one of the two that both grounds bear would vanish on one of them
    assert set(re.findall(r"#[0-9a-f]{6}", styles)) <= {"#4a86c5", "#c8641e"}


@pytest.mark.parametrize("colour", ["4a86c5", "c8641e"])
def test_bars_and_points_stand_out_from_white_and_from_black(colour: str) -> None:
    """The contrast that the Web Content Accessibility Guidelines want of graphics (1.4.11): 3 to 1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    luminance = sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear))
    assert 1.05 / (luminance + 0.05) >= 3
    assert (luminance + 0.05) / 0.05 >= 3


def test_text_of_others_stays_text(text: str) -> None:
    assert "<script" not in text
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in text


def test_a_plot_has_a_bar_for_each_interface_and_a_point_for_each_round(drawn: dict[str, tuple[str, bytes]]) -> None:
    figure = ElementTree.fromstring(drawn["tcp-1"][0])  # noqa: S314  # drawn just now
    assert len([path for path in figure.iter(f"{SVG}path") if "fill: #4a86c5" in path.get("style", "")]) == 2
    assert len([use for use in figure.iter(f"{SVG}use") if "fill: #c8641e" in use.get("style", "")]) == 6


def test_an_interface_without_a_figure_keeps_its_place(drawn: dict[str, tuple[str, bytes]]) -> None:
    figure = ElementTree.fromstring(drawn["memory-client"][0])  # noqa: S314  # drawn just now
    assert {"wg1", "wg2"} <= {words.text for words in figure.iter(f"{SVG}text")}
    assert len([path for path in figure.iter(f"{SVG}path") if "fill: #4a86c5" in path.get("style", "")]) == 1


def test_the_same_figures_give_the_same_plot(drawn: dict[str, tuple[str, bytes]]) -> None:
    metric = METRICS[0]
    again = plots.draw(metric.key, metric.title, metric.unit, values(RUN, metric), RUN.baseline)
    assert again == drawn[metric.key]
    assert again[1].startswith(b"\x89PNG")
