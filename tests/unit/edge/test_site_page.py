# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The page of a domain's status: whole, the same every time, nothing over anything else, and names are only names."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.edge.site.layout import BOX_HEIGHT, BOX_WIDTH, layout
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.page import page
from ansible_collections.weft.overlay.plugins.module_utils.model.topology import Edge, End, Node, Topology
from tests.unit.edge.sites import site

LARGE = (60, 100)


def segments(line):
    return zip(line.points, line.points[1:])


def meets(box, start, end):
    """Whether a segment, which is level or upright, goes through the inside of a box."""
    (x1, x2), (y1, y2) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return x1 < box.x + BOX_WIDTH and x2 > box.x and y1 < box.y + BOX_HEIGHT and y2 > box.y


def check(topology):
    drawn = layout(topology)
    assert sorted(box.node.id for box in drawn.boxes) == sorted(node.id for node in topology.nodes)
    for one, other in combinations(drawn.boxes, 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT, (one, other)
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - BOX_WIDTH
        assert 0 <= box.y <= drawn.height - BOX_HEIGHT
    for line in drawn.lines:
        for start, end in segments(line):
            assert start[0] == end[0] or start[1] == end[1]
            assert [box.node.id for box in drawn.boxes if meets(box, start, end)] == []
            assert min(start[0], end[0]) >= 0
    drawn_edges = [edge for line in drawn.lines for edge in line.edges]
    assert sorted(map(str, drawn_edges)) == sorted(map(str, topology.edges))


@pytest.mark.parametrize(("runners", "clients"), [(0, 0), (1, 0), (2, 3), (7, 8), LARGE])
def test_nothing_lies_over_anything_and_no_line_through_a_box(runners, clients):
    check(site(runners, clients).topology)


@st.composite
def topologies(draw):
    roles = draw(st.lists(st.sampled_from(("hub", "router", "nas", "runner", "peer", "client")), max_size=25))
    nodes = tuple(Node(f"n{number}", f"n{number}", role) for number, role in enumerate(roles))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, max(0, len(nodes) - 1))] * 2), max_size=40)) if nodes else []
    edges = {
        Edge("wireguard", End(nodes[one].id, f"wg{number}"), End(nodes[other].id, "wg0"))
        for number, (one, other) in enumerate(pairs)
        if one != other
    }
    return Topology(nodes, tuple(sorted(edges)), {})


@given(topologies())
@settings(max_examples=200)
def test_so_it_is_whoever_is_connected_to_whom(topology):
    check(topology)


def parsed(text):
    return ElementTree.fromstring(text.replace("<!DOCTYPE html>", ""))  # noqa: S314  # it is our own


def test_every_host_client_and_connection_is_in_the_picture_and_in_a_table():
    found = site(*LARGE)
    tree = parsed(page(found))
    assert {node.get("data-node") for node in tree.iter("g") if node.get("data-node")} == {
        node.id for node in found.topology.nodes
    }
    drawn = {(node.get("data-from"), node.get("data-to")) for node in tree.iter("g") if node.get("data-from")}
    assert drawn == {(edge.near.node, edge.far.node) for edge in found.topology.edges}
    told = {"".join(cell.itertext()) for cell in [*tree.iter("th"), *tree.iter("td")]}
    assert {host.name for host in found.hosts} <= told
    assert {f"{edge.near.node} {edge.near.link}" for edge in found.topology.edges} <= told


def test_everything_in_the_picture_has_its_details():
    tree = parsed(page(site()))
    groups = [node for node in tree.iter("g") if node.get("tabindex")]
    assert len(groups) == 9 + 7
    assert all(group.find("title").text for group in groups)
    (hub,) = (group for group in groups if group.get("data-node") == "hub1")
    assert hub.find("title").text.splitlines()[:2] == ["hub1 (hub)", "its plan: in sync, stored 60 min ago"]


def test_the_same_domain_is_the_same_page():
    assert page(site(*LARGE)) == page(site(*LARGE))


def test_a_browser_is_told_to_load_nothing():
    text = page(site())
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,"]
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text


EVIL = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&\x1b[31m\u202e\ud800"


def test_names_and_notes_are_data():
    def spoil(told):
        for host in told.values():
            said = host.status["status"]
            said["differences"] = [{"kind": EVIL, "name": EVIL, "state": EVIL, "detail": EVIL}]
            said["in_the_way"] = [{"subject": EVIL, "message": EVIL}]
            said["services"] = [{"unit": EVIL, "runs": False}]
            said["endings"] = [{"what": "client", "name": EVIL, "link": EVIL, "expires": 5}]
        told["hub1"] = told["hub1"]._replace(
            probed={
                "answers": [
                    {
                        "way": EVIL,
                        "to": "runner1",
                        "address": EVIL,
                        "answered": False,
                        "milliseconds": 0,
                        "mtu": 0,
                        "words": EVIL,
                    }
                ]
            }
        )

    text = page(site(spoil=spoil))
    tree = parsed(text.encode("utf-8").decode("utf-8"))
    assert not list(tree.iter("script"))
    assert not list(tree.iter("img"))
    assert any("<script>alert(1)</script>" in "".join(cell.itertext()) for cell in tree.iter("td"))


def test_a_label_fits_its_box_and_its_whole_is_in_the_details():
    name = "a-very-long-name-of-a-host.example.net"
    nodes = (Node(name, name, "runner"), Node("漢字漢字漢字漢字漢字", "漢字漢字漢字漢字漢字", "client"))
    edge = Edge("wireguard", End(name, "wg0"), End(nodes[1].id))
    found = site()
    report = found.edges[-1]._replace(edge=edge)
    whole = found._replace(
        topology=Topology(nodes, (edge,), {}), edges=(report,), hosts=(found.hosts[0]._replace(name=name),)
    )
    labels = [node.text for node in parsed(page(whole)).iter("text")]
    assert labels == ["a-very-long-n…", "漢字漢字漢字…"]
    assert f"<title>{name}" in page(whole)
