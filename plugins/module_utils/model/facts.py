# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the controller is told of a host: one look at it, as far as compiling and finding conflicts need it."""

from __future__ import annotations

from typing import NamedTuple

from .link import Link
from .state import Capabilities, Foreign
from .transaction import Author
from .wireguard import Device, Keys, Peer


class Facts(NamedTuple):
    """devices: our WireGuard devices, living. keys: public side of the keys kept there. peers: those that the stored
    plan has, with their names. shaken: public keys of peers that somebody has shaken hands with.
    now: the host's clock, Unix time.

    tunnels: our VXLAN links there, living ones first, then those that only the stored plan still names.

    last: who changed it last, of those whose intent is known; None: nobody.

    reached_at: the host's own end of the connection that Ansible came in on, None where it is not a network one.
    reached_on: its port.
    """

    capabilities: Capabilities
    foreign: Foreign
    tunnels: tuple[Link, ...] = ()
    reached_at: str | None = None
    devices: tuple[Device, ...] = ()
    keys: Keys = Keys()
    peers: tuple[Peer, ...] = ()
    shaken: tuple[str, ...] = ()
    now: int = 0
    last: Author | None = None
    reached_on: int = 22
