# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the plans of a domain connect: a picture for readers, and what hosts can ask each other about it."""

from __future__ import annotations

from typing import NamedTuple

from .probe import Probe

# Of a node that is somebody's device; those of hosts are of their plans.
CLIENT = "client"


class Node(NamedTuple):
    """id: a host's name in the inventory; a client's has its server and interface before its name, so that no two are
    the same. label: for readers."""

    id: str
    label: str
    role: str


class End(NamedTuple):
    """One end of an edge. node: its id. link: its interface there, "" of a client. peer: what the link's WireGuard
    calls the other end, "" of a VXLAN. addresses: bare ones of this end, inside of the tunnel. mtu: of the link, 0:
    as it comes."""

    node: str
    link: str = ""
    peer: str = ""
    addresses: tuple[str, ...] = ()
    mtu: int = 0


class Edge(NamedTuple):
    """kind: "vxlan" or "wireguard". near: the end that serves others, a hub's or server's. far: the other one. expires:
    of a client, Unix time, None: never."""

    kind: str
    near: End
    far: End
    expires: int | None = None

    def way(self, end: End) -> str:
        """What probes from this end through the edge are called."""
        return f"{self.kind} {end.link}"


class Topology(NamedTuple):
    """nodes: hosts, then clients. probes: what each host is to ask, by its name."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    probes: dict[str, tuple[Probe, ...]]
