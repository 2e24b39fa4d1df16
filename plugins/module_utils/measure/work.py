# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The measured work: what is done over each interface in each round, always in this order."""

from __future__ import annotations

from typing import NamedTuple

IDLE_IPV4 = "idle-ipv4"
IDLE_IPV6 = "idle-ipv6"
TCP_ONE = "tcp-1"
TCP_EIGHT = "tcp-8"
UDP_SMALL = "udp-64"

# Works that are a load, and their TCP flows; the rest is latency without one.
FLOWS = {TCP_ONE: 1, TCP_EIGHT: 8}
# Bytes of payload of a small packet.
PAYLOAD = 64
# The same on every machine, whatever its default is.
CONGESTION = "cubic"
# Seconds between two works, for queues to drain.
PAUSE = 0.5


class Settings(NamedTuple):
    """seconds: of each load. pings: of each look at the latency without load; interval: seconds between two of them.

    port: TCP and UDP, of iperf3 on the server's VPN addresses.
    """

    seconds: int
    pings: int
    interval: float
    port: int


def cell_seconds(settings: Settings) -> float:
    """About how long one interface takes in one round."""
    return 2 * settings.pings * settings.interval + 3 * (settings.seconds + 1) + 5 * PAUSE
