# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What iperf3 says in JSON (of 3.9 and later), reduced to what is kept of it."""

from __future__ import annotations

import json
from typing import Any

from ..model.errors import KernelError


def tcp(text: str, subject: str) -> dict[str, Any]:
    """{bits_per_second, bytes, seconds, retransmits, intervals, cookie}: what arrived; intervals: bit/s of each
    second, as sent. Raises KernelError about `subject` where iperf3 did not measure."""
    document = _document(text, subject)
    try:
        received, sent = document["end"]["sum_received"], document["end"]["sum_sent"]
        return {
            "bits_per_second": float(received["bits_per_second"]),
            "bytes": int(received["bytes"]),
            "seconds": float(received["seconds"]),
            "retransmits": int(sent.get("retransmits", 0)),
            "intervals": [float(one["sum"]["bits_per_second"]) for one in document["intervals"]],
            "cookie": str(document["start"]["cookie"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise KernelError(subject, f"iperf3's answer cannot be read ({error!r})") from error


def udp(text: str, subject: str) -> dict[str, Any]:
    """{sent, received, seconds, jitter_ms, intervals, cookie}: packets; intervals: packets of each second, as sent.

    The server counts as lost what it saw missing between two that arrived, so what was lost at the very end is only
    found by counting what arrived. Raises KernelError about `subject` where iperf3 did not measure.
    """
    document = _document(text, subject)
    try:
        end = document["end"]
        sent, received = end.get("sum_sent", end["sum"]), end.get("sum_received", end["sum"])
        return {
            "sent": int(sent["packets"]),
            "received": int(received["packets"]) - int(received["lost_packets"]),
            "seconds": float(sent["seconds"]),
            "jitter_ms": float(received["jitter_ms"]),
            "intervals": [int(one["sum"]["packets"]) for one in document["intervals"]],
            "cookie": str(document["start"]["cookie"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise KernelError(subject, f"iperf3's answer cannot be read ({error!r})") from error


def _document(text: str, subject: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise KernelError(subject, f"iperf3 said {' '.join(text.split())[:200]!r}") from error
    if not isinstance(document, dict):
        raise KernelError(subject, "iperf3's answer is not a JSON object")
    if "error" in document:
        raise KernelError(subject, f"iperf3: {document['error']}")
    return document
