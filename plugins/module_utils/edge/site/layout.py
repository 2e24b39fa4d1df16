# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where each host of a picture stands, and how lines lead there without meeting another box. The same every time.

Each server has a block: its own box, a lane below it, and those it serves in rows under that. Left of each column is a
lane; a line goes from the server down, along, down the column's lane, and right into its box. Lines between blocks go
by a trunk at the left edge. No box stands in a lane.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...model.plan import HUB, NAS, ROUTER
from ...model.topology import CLIENT, Edge, Node, Topology

BOX_WIDTH, BOX_HEIGHT = 136, 30
_LANE = 30
_ROW = 42
_COLUMNS = 7
_MARGIN = 16
# Below a server's box, to its lane, and from there to the first row.
_TO_LANE, _TO_ROW = 14, 16
_BETWEEN = 34
# So far apart are the lines of different servers in one lane, and at most so many in the trunk.
_APART, _MOST_APART = 6, 10
_ORDER = {HUB: 0, ROUTER: 1, NAS: 2}


class Box(NamedTuple):
    """Its upper left corner."""

    node: Node
    x: int
    y: int

    @property
    def middle(self) -> int:
        return self.y + BOX_HEIGHT // 2


class Line(NamedTuple):
    """edges: all between these two. points: corners, from the one end to the other."""

    edges: tuple[Edge, ...]
    points: tuple[tuple[int, int], ...]


class Picture(NamedTuple):
    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def layout(topology: Topology) -> Picture:
    blocks = _blocks(topology)
    pairs: dict[frozenset[str], list[Edge]] = {}
    for edge in topology.edges:
        pairs.setdefault(frozenset({edge.near.node, edge.far.node}), []).append(edge)
    home = {node.id: number for number, (_server, members) in enumerate(blocks) for node in members}
    home.update({server.id: number for number, (server, _members) in enumerate(blocks) if server is not None})
    servers = {server.id for server, _members in blocks if server is not None}
    across = [pair for pair, edges in pairs.items() if not _within(edges[0], home, servers)]
    left = _MARGIN + _APART * min(len(across), _MOST_APART)
    boxes, lanes, height = _place(blocks, left)
    lines = [
        Line(
            tuple(edges),
            _inside(edges[0], boxes, lanes[home[edges[0].near.node]])
            if pair not in across
            else _across(edges[0], boxes, lanes[home[edges[0].far.node]], servers, across.index(pair)),
        )
        for pair, edges in pairs.items()
    ]
    width = left + _COLUMNS * (BOX_WIDTH + _LANE) + _MARGIN
    return Picture(width, height, tuple(boxes.values()), tuple(lines))


def _within(edge: Edge, home: Mapping[str, int], servers: set[str]) -> bool:
    """Whether it leads from a server to one of its own block."""
    same = home[edge.near.node] == home[edge.far.node]
    return same and edge.near.node in servers and edge.far.node not in servers


def _blocks(topology: Topology) -> list[tuple[Node | None, list[Node]]]:
    """Each server with those whose first connection is to it; what is connected to nobody comes last."""
    serving = {edge.near.node for edge in topology.edges}
    servers = sorted(
        (node for node in topology.nodes if node.id in serving or node.role in _ORDER),
        key=lambda node: (_ORDER.get(node.role, len(_ORDER)), _natural(node.id)),
    )
    names = {node.id for node in servers}
    first: dict[str, str] = {}
    for edge in topology.edges:
        first.setdefault(edge.far.node, edge.near.node)
    members = [node for node in topology.nodes if node.id not in names]
    blocks: list[tuple[Node | None, list[Node]]] = [
        (server, _sorted(node for node in members if first.get(node.id) == server.id)) for server in servers
    ]
    rest = _sorted(node for node in members if node.id not in first)
    return [*blocks, (None, rest)] if rest else blocks


def _sorted(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (node.role == CLIENT, _natural(node.id)))


def _natural(name: str) -> list[tuple[int, str]]:
    """runner2 before runner10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _place(blocks: Iterable[tuple[Node | None, list[Node]]], left: int) -> tuple[dict[str, Box], list[int], int]:
    """Boxes by their nodes' ids, the height of each block's lane, and how high all of it is."""
    boxes: dict[str, Box] = {}
    lanes: list[int] = []
    top = _MARGIN
    for server, members in blocks:
        if server is not None:
            boxes[server.id] = Box(server, left + _LANE, top)
            top += BOX_HEIGHT
        lanes.append(top + _TO_LANE)
        top += _TO_LANE + _TO_ROW
        for place, node in enumerate(members):
            row, column = divmod(place, _COLUMNS)
            boxes[node.id] = Box(node, left + _LANE + column * (BOX_WIDTH + _LANE), top + row * _ROW)
        rows = -(-len(members) // _COLUMNS)
        top += rows * _ROW + _BETWEEN - (0 if rows else _TO_ROW)
    return boxes, lanes, top + _MARGIN - _BETWEEN


def _inside(edge: Edge, boxes: Mapping[str, Box], lane: int) -> tuple[tuple[int, int], ...]:
    server, member = boxes[edge.near.node], boxes[edge.far.node]
    start, down = server.x + BOX_WIDTH // 2, member.x - _LANE // 2
    bottom = server.y + BOX_HEIGHT
    return (start, bottom), (start, lane), (down, lane), (down, member.middle), (member.x, member.middle)


def _across(
    edge: Edge, boxes: Mapping[str, Box], lane: int, servers: set[str], number: int
) -> tuple[tuple[int, int], ...]:
    """By the trunk. number: of the lines there."""
    near, far = boxes[edge.near.node], boxes[edge.far.node]
    trunk = _MARGIN + _APART * (number % _MOST_APART) - _APART
    start = (near.x, near.middle), (trunk, near.middle)
    if far.node.id in servers:
        return (*start, (trunk, far.middle), (far.x, far.middle))
    # Beside the lines of the block's own server.
    down, beside, end = far.x - _LANE // 2 - _APART, lane + _APART, far.middle + _APART
    return (*start, (trunk, beside), (down, beside), (down, end), (far.x, end))
