# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a reader's browser makes of the page of a domain's status."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.site.page import page
from tests.browser.browser import Browser
from tests.unit.edge.sites import site

# As large as a picture has to be: a hub with sixty runners, servers, and a hundred clients.
LARGE = (60, 100)
EVIL = "\"><script>alert(1)</script><img src=x onerror='alert(2)'><svg onload=alert(3)>&amp;"

RECTANGLES = """
[...document.querySelectorAll('.node')].map(node => {
  const [box, text] = ['rect', 'text'].map(name => node.querySelector(name).getBoundingClientRect());
  return {name: node.dataset.node, box: box.toJSON(), text: text.toJSON()};
})"""
# What is under the pointer in the middle of each box, and on the last piece of each line, right before the box.
UNDER = """
(() => {
  const at = (x, y) => {
    scrollTo(0, y - 300);
    const found = document.elementFromPoint(x - scrollX, y - scrollY);
    const group = found && found.closest('g[tabindex]');
    return group && group.querySelector('title').textContent;
  };
  const picture = document.querySelector('svg.domain').getBoundingClientRect();
  const [left, top] = [picture.x + scrollX, picture.y + scrollY];
  return [...document.querySelectorAll('.domain g[tabindex]')].map(group => {
    const own = group.querySelector('title').textContent;
    if (group.dataset.node !== undefined) {
      const box = group.querySelector('rect').getBoundingClientRect();
      return [own, at(box.x + scrollX + box.width / 2, box.y + scrollY + box.height / 2)];
    }
    const line = group.querySelector('.line');
    const point = line.getPointAtLength(line.getTotalLength() - 5);
    return [own, at(left + point.x, top + point.y)];
  });
})()"""
COLOURS = """
(() => {
  const colour = (element, name) => getComputedStyle(element)[name];
  const paper = colour(document.body, 'backgroundColor');
  const pairs = [[colour(document.body, 'color'), paper, 'text']];
  for (const node of document.querySelectorAll('.node')) {
    const box = node.querySelector('rect');
    pairs.push([colour(node.querySelector('text'), 'fill'), colour(box, 'fill'), 'label']);
    pairs.push([colour(box, 'stroke'), paper, 'box ' + node.getAttribute('class')]);
  }
  for (const line of document.querySelectorAll('.line')) pairs.push([colour(line, 'stroke'), paper, 'line']);
  for (const cell of document.querySelectorAll('td.health')) pairs.push([colour(cell, 'color'), paper, 'cell']);
  return pairs;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


def _unwell(told: dict[str, Any]) -> None:
    """One of everything that a picture can show."""
    told["runner5"] = told["runner5"]._replace(status={"unreachable": True}, probed=None)
    told["runner7"] = told["runner7"]._replace(asked=False, status=None, probed=None)
    for host, one in told.items():
        kept = [answer for answer in (one.probed or {}).get("answers", ()) if answer["to"] != "runner7"]
        for answer in kept:
            if answer["to"] == "runner5":
                answer.update(answered=False, mtu=0)
            if (host, answer["to"], answer["way"]) == ("hub1", "runner2", "vxlan vxkr2"):
                answer.update(mtu=1400)
        if one.probed:
            one.probed["answers"] = kept


@pytest.fixture(scope="module")
def whole() -> Any:
    return site(*LARGE, _unwell)


@pytest.fixture(scope="module")
def file(whole: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "status.html"
    path.write_text(page(whole), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_browser_has_nothing_to_complain_of_and_loads_nothing(browser: Browser, file: Path, scheme: str) -> None:
    browser.open(file, scheme=scheme)
    assert browser.complaints() == []
    assert [url for url in browser.requests() if url != "data:,"] == [file.as_uri()]


def test_every_host_client_and_connection_is_there(browser: Browser, file: Path, whole: Any) -> None:
    browser.open(file)
    names = browser.ask("[...document.querySelectorAll('.node')].map(node => node.dataset.node)")
    assert sorted(names) == sorted(node.id for node in whole.topology.nodes)
    assert len(names) == 1 + 60 + 3 + 100
    pairs = browser.ask(
        "[...document.querySelectorAll('.edge[tabindex]')].map(e => e.dataset.from + ' ' + e.dataset.to)"
    )
    assert sorted(pairs) == sorted(f"{edge.near.node} {edge.far.node}" for edge in whole.topology.edges)
    classes = set(browser.ask("[...document.querySelectorAll('.domain .edge')].map(e => e.classList[1])"))
    assert classes == {"good", "poor", "down", "idle", "unknown"}


def test_nothing_lies_over_anything_and_labels_are_in_their_boxes(browser: Browser, file: Path) -> None:
    browser.open(file)
    found = browser.ask(RECTANGLES)
    picture = browser.ask("document.querySelector('svg.domain').getBoundingClientRect().toJSON()")
    for one in found:
        box, text = one["box"], one["text"]
        assert box["left"] < text["left"] < text["right"] < box["right"], one
        assert box["top"] < text["top"] < text["bottom"] < box["bottom"], one
        assert picture["left"] <= box["left"] < box["right"] <= picture["right"], one
        assert picture["top"] <= box["top"] < box["bottom"] <= picture["bottom"], one
    for one, other in combinations(found, 2):
        a, b = one["box"], other["box"]
        apart = a["right"] < b["left"] or b["right"] < a["left"] or a["bottom"] < b["top"] or b["bottom"] < a["top"]
        assert apart, (one, other)


def test_the_pointer_finds_each_box_and_each_line_with_its_own_details(browser: Browser, file: Path) -> None:
    browser.open(file)
    found = browser.ask(UNDER)
    assert len(found) == 164 + 162
    assert [own for own, under in found if own != under] == []
    assert any("hub1 gets packets of 1400 octets through to runner2, planned 1450" in own for own, _under in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_told_from_its_ground(browser: Browser, file: Path, scheme: str) -> None:
    """WCAG 2.1: text at least 4.5 to 1, lines at least 3 to 1."""
    browser.open(file, scheme=scheme)
    for front, ground, what in browser.ask(COLOURS):
        assert _contrast(front, ground) >= (3 if what.startswith(("box", "line")) else 4.5), (what, front, ground)
    ground = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert (_brightness(ground) > 0.5) == (scheme == "light")


def _brightness(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_brightness(one), _brightness(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_narrow_window_moves_the_picture_and_not_the_page(browser: Browser, file: Path) -> None:
    browser.open(file, width=400)
    assert browser.ask("document.documentElement.scrollWidth") <= 400
    assert browser.ask("document.querySelector('figure').scrollWidth") > 1000


def test_what_hosts_are_called_is_never_carried_out(browser: Browser, tmp_path: Path) -> None:
    def spoil(told: dict[str, Any]) -> None:
        for one in told.values():
            said = one.status["status"]
            said["differences"] = [{"kind": EVIL, "name": EVIL, "state": EVIL, "detail": EVIL}]
            said["in_the_way"] = [{"subject": EVIL, "message": EVIL}]
            said["services"] = [{"unit": EVIL, "runs": False}]

    path = tmp_path / "evil.html"
    path.write_text(page(site(2, 3, spoil)), encoding="utf-8")
    browser.open(path)
    assert browser.complaints() == []
    assert [url for url in browser.requests() if url != "data:,"] == [path.as_uri()]
    assert browser.ask("document.querySelectorAll('script, img, [onload], [onerror]').length") == 0
    assert EVIL in browser.ask("document.body.textContent")


def test_a_browser_that_complains_is_heard(browser: Browser, tmp_path: Path) -> None:
    """The other tests would pass for ever with one that says nothing."""
    path = tmp_path / "bad.html"
    path.write_text("<script>console.error('x'); fetch('data:,y')</script><img src='missing.png'>", encoding="utf-8")
    browser.open(path)
    assert len(browser.complaints()) >= 1
    assert len([url for url in browser.requests() if url.endswith("missing.png")]) == 1
