# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether one host answers another, and how large a packet may be on the way."""

from __future__ import annotations

from typing import NamedTuple

# Between the hosts' own addresses; through the overlay from one runner to another. Every other way is a tunnel's,
# `vxlan vxkr1` or `wireguard wg0`, by the link of who asks.
UNDERLAY = "underlay"
OVERLAY = "overlay"


class Probe(NamedTuple):
    """way: UNDERLAY, OVERLAY or a tunnel. to: the host's name. address: bare, IPv4 or IPv6."""

    way: str
    to: str
    address: str


class Answer(NamedTuple):
    """Of one probe. milliseconds: until the first answer; 0: there was none. mtu: octets of the largest whole IP packet
    that came back, 0: none did. words: why nothing could be sent, "" where it could."""

    way: str
    to: str
    address: str
    answered: bool
    milliseconds: float = 0.0
    mtu: int = 0
    words: str = ""
