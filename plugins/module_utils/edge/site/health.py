# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How each connection stands, from what both its ends said and what they heard of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ...model import state as kinds
from ...model.probe import UNDERLAY, Answer
from ...model.site import DOWN, GOOD, IDLE, POOR, UNKNOWN, EdgeReport, HostReport
from ...model.status import ABSENT, FRESH, PeerStatus, TunnelStatus
from ...model.topology import Edge, End, Topology
from ..status.text import handshake, size, span
from ..topology import VXLAN_EDGE

_Answers = Mapping[str, tuple[Answer, ...]]


def edge_reports(
    topology: Topology, hosts: Mapping[str, HostReport], answers: _Answers, now: int
) -> tuple[EdgeReport, ...]:
    """answers: by the host that asked."""
    return tuple(_Look(edge, hosts, answers, now).report() for edge in topology.edges)


class _Look:
    """At one edge."""

    def __init__(self, edge: Edge, hosts: Mapping[str, HostReport], answers: _Answers, now: int) -> None:
        self._edge = edge
        self._hosts = hosts
        self._now = now
        self._sides = [
            (end, other) for end, other in ((edge.near, edge.far), (edge.far, edge.near)) if end.node in hosts
        ]
        self._asked = {
            end.node: [one for one in answers.get(end.node, ()) if (one.way, one.to) == (edge.way(end), other.node)]
            for end, other in self._sides
        }
        self._under = [
            one
            for end, other in self._sides
            for one in answers.get(end.node, ())
            if (one.way, one.to) == (UNDERLAY, other.node)
        ]

    def report(self) -> EdgeReport:
        facts = tuple(dict.fromkeys(self._facts()))
        if len(self._sides) < 2:
            health, words = self._client()
            return EdgeReport(self._edge, health, words, facts)
        words = (*self._missing(), *self._silent(), *self._narrow())
        probes = [one for found in self._asked.values() for one in found]
        if probes and not any(one.answered for one in probes):
            return EdgeReport(self._edge, DOWN, (*words, *self._unheard()), facts)
        if words or probes:
            return EdgeReport(self._edge, POOR if words else GOOD, words, facts)
        # A handshake still says that a WireGuard pair is whole.
        fresh = any(peer.state == FRESH for _end, peer in self._peers())
        unknown = tuple(self._unheard()) or ("nobody probed it",)
        return EdgeReport(self._edge, *((GOOD, ()) if fresh else (UNKNOWN, unknown)), facts)

    def _client(self) -> tuple[str, tuple[str, ...]]:
        found = [peer for _end, peer in self._peers()]
        host = self._hosts[self._edge.near.node]
        expires = self._edge.expires
        if host.status is None:
            return UNKNOWN, (f"{host.name} was not reached",)
        if expires is not None and expires <= self._now:
            return IDLE, (f"its access ended {span(self._now - expires)} ago",)
        if not found or found[0].state == ABSENT:
            return DOWN, (f"{host.name} does not have this peer",)
        return (GOOD, ()) if found[0].state == FRESH else (IDLE, ())

    def _missing(self) -> Iterator[str]:
        """What hosts themselves say of their ends."""
        for end, _other in self._sides:
            host = self._hosts[end.node]
            for one in host.status.drift.differences if host.status else ():
                of_link = one.kind in {kinds.LINK, kinds.DEVICE, kinds.POLICED} and one.name == end.link
                if of_link or (end.peer and one.kind == kinds.PEER and one.name.startswith(f"{end.link} {end.peer} ")):
                    yield f"{end.node}: {one}"

    def _unheard(self) -> Iterator[str]:
        for end, _other in self._sides:
            host = self._hosts[end.node]
            if host.status is None:
                yield f"{end.node} was not reached" if host.asked else f"{end.node} was not asked"

    def _silent(self) -> Iterator[str]:
        for asker, found in self._asked.items():
            for one in found:
                if not one.answered:
                    why = f" ({one.words})" if one.words else ""
                    yield f"{asker} gets no answer from {one.address}{why}"

    def _narrow(self) -> Iterator[str]:
        planned = min((end.mtu for end in (self._edge.near, self._edge.far) if end.mtu), default=0)
        for asker, found in self._asked.items():
            for one in found:
                if one.answered and one.mtu < planned:
                    yield f"{asker} gets packets of {one.mtu} octets through to {one.to}, planned {planned}"

    def _facts(self) -> Iterator[str]:
        for asker, found in self._asked.items():
            for one in found:
                if one.answered:
                    yield f"{asker} to {one.address}: {one.milliseconds} ms, path MTU {one.mtu}"
        for one in self._under:
            yield f"underlay {one.address}: " + (
                f"{one.milliseconds} ms, path MTU {one.mtu}" if one.answered else "no answer"
            )
        for end, peer in self._peers():
            status = self._hosts[end.node].status
            if status is not None:
                yield f"{end.node}: handshake {handshake(peer, status.now)}"
                yield f"{end.node}: received {size(peer.received)}, sent {size(peer.sent)}"
        for end, tunnel in self._tunnels():
            carried = tunnel.carried
            yield f"{end.node}: received {size(carried.received)}, sent {size(carried.sent)}, lost {carried.dropped}"

    def _peers(self) -> Iterable[tuple[End, PeerStatus]]:
        """While a peer changes its key it is there twice: the one that was heard of last counts."""
        for end, _other in self._sides:
            status = self._hosts[end.node].status
            peers = status.peers if status and self._edge.kind != VXLAN_EDGE else ()
            found = [peer for peer in peers if (peer.link, peer.name) == (end.link, end.peer)]
            if found:
                yield end, max(found, key=lambda peer: peer.handshake)

    def _tunnels(self) -> Iterable[tuple[End, TunnelStatus]]:
        for end, _other in self._sides:
            status = self._hosts[end.node].status
            for tunnel in status.tunnels if status and self._edge.kind == VXLAN_EDGE else ():
                if tunnel.link == end.link:
                    yield end, tunnel
