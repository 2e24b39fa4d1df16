# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host's status in the text format of Prometheus (version 0.0.4), for node_exporter's textfile collector."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.status import FRESH, IN_SYNC, HostStatus
from ..denials.metrics import family

_Samples = list[tuple[tuple[tuple[str, str], ...], float]]


def metrics(status: HostStatus) -> str:
    """The whole file. Each family is there, also one without samples: who looks for it sees that it is known."""
    lines = [
        line
        for source in (_plan, _changes, _drift, _parts, _tunnels, _peers, _rest)
        for name, kind, says, samples in source(status)
        for line in family(name, kind, says, samples)
    ]
    return "".join(f"{line}\n" for line in lines)


_Family = tuple[str, str, str, _Samples]


def _plan(status: HostStatus) -> Iterator[_Family]:
    host = (("host", status.host), ("role", status.role))
    yield "weft_in_sync", "gauge", "1: the host is as its plan says.", [((), int(status.state == IN_SYNC))]
    yield "weft_status_timestamp_seconds", "gauge", "When this was looked at.", [((), status.now)]
    plan = status.plan
    info: _Samples = [((*host, ("digest", plan.digest)), 1)] if plan else []
    yield "weft_plan_info", "gauge", "The stored plan.", info
    stored: _Samples = [((), plan.stored)] if plan else []
    yield "weft_plan_stored_timestamp_seconds", "gauge", "When the plan was stored.", stored


def _changes(status: HostStatus) -> Iterator[_Family]:
    one = status.pending
    yield "weft_change_pending", "gauge", "1: a change waits for its confirmation.", [((), int(one is not None))]
    ends: _Samples = [((("change", str(one.number)), ("by", one.by)), one.ends)] if one else []
    yield "weft_change_pending_ends_timestamp_seconds", "gauge", "When it is rolled back.", ends
    gone = [((), int(status.rolled_back is not None))]
    yield "weft_last_change_rolled_back", "gauge", "1: the last change of this host did not last.", gone


def _drift(status: HostStatus) -> Iterator[_Family]:
    counted: dict[tuple[str, str], int] = {}
    for one in status.drift.differences:
        counted[one.kind, one.state] = counted.get((one.kind, one.state), 0) + 1
    samples: _Samples = [((("kind", kind), ("state", state)), count) for (kind, state), count in counted.items()]
    yield "weft_drift_objects", "gauge", "Objects that are not as planned.", samples
    says = "Foreign objects that would stop the next run."
    yield "weft_in_the_way_objects", "gauge", says, [((), len(status.drift.in_the_way))]


def _parts(status: HostStatus) -> Iterator[_Family]:
    services: _Samples = [((("unit", one.unit),), int(one.runs)) for one in status.services]
    yield "weft_service_up", "gauge", "1: the service runs.", services
    policed: _Samples = [((("interface", one.interface),), int(one.attached)) for one in status.policed]
    yield "weft_policed_interface_attached", "gauge", "1: the programs of the policy judge there.", policed


def _tunnels(status: HostStatus) -> Iterator[_Family]:
    def of(field: str) -> _Samples:
        return [((("link", one.link), ("to", one.far)), getattr(one.carried, field)) for one in status.tunnels]

    up: _Samples = [((("link", one.link), ("to", one.far)), int(one.up)) for one in status.tunnels]
    yield "weft_tunnel_up", "gauge", "1: the tunnel's link is up.", up
    yield "weft_tunnel_received_bytes_total", "counter", "Octets that came out of the tunnel.", of("received")
    yield "weft_tunnel_sent_bytes_total", "counter", "Octets that went into it.", of("sent")
    yield "weft_tunnel_lost_packets_total", "counter", "Packets that it dropped or could not use.", of("dropped")


def _peers(status: HostStatus) -> Iterator[_Family]:
    def of(field: str) -> _Samples:
        return [
            ((("link", one.link), ("peer", one.name), ("key", one.key)), int(getattr(one, field)))
            for one in status.peers
        ]

    fresh: _Samples = [
        (labels, int(one.state == FRESH)) for (labels, _value), one in zip(of("handshake"), status.peers)
    ]
    says = "When the peer last shook hands; 0: never."
    yield "weft_peer_handshake_timestamp_seconds", "gauge", says, of("handshake")
    yield "weft_peer_fresh", "gauge", "1: it did within three minutes.", fresh
    yield "weft_peer_received_bytes_total", "counter", "Octets that came from the peer.", of("received")
    yield "weft_peer_sent_bytes_total", "counter", "Octets that went to it.", of("sent")


def _rest(status: HostStatus) -> Iterator[_Family]:
    endings: _Samples = [
        ((("client", one.name), ("link", one.link)), one.expires) for one in status.endings if one.expires is not None
    ]
    says = "When access ends, of clients for which that is within 14 days, or past."
    yield "weft_client_expires_timestamp_seconds", "gauge", says, endings
    denied: _Samples = [
        ((("reason", one.reason), ("observed", str(one.observed).lower())), one.packets) for one in status.denied or ()
    ]
    yield "weft_denied_packets_total", "counter", "Packets that the kernel counts as denied, of all pairs.", denied
