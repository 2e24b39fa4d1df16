# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One WireGuard interface with all that was decided about it: keys, addresses, sizes. Plans are made from that."""

from __future__ import annotations

from typing import NamedTuple

from ..intent.client import Client
from ..intent.interface import Interface
from ..intent.server import Server
from .keys import Ends
from .ledger import ClientEntry, LinkEntry


class Member(NamedTuple):
    """One client of the interface. addresses: bare, IPv4 first. ends: its public keys, as far as they are known.

    peer_key: what the server's peer has, UNMADE while the key is being made; None: there can be no peer yet.
    file_key: of an unmanaged client, what its configuration is for, or UNMADE.
    preshared: whether the pair has a preshared key now. underlay: of a managed host, its MTU, 0: not known.
    """

    name: str
    client: Client
    addresses: tuple[str, ...]
    ends: Ends
    peer_key: str | None
    file_key: str
    preshared: bool
    underlay: int


class Service(NamedTuple):
    """name: of the interface. server: as the intent has it. ends: the server's public keys here, as far as they are
    known. peer_key: what a managed client's peer has, UNMADE while the key is being made; None: there can be no peer
    yet. underlay: the server's MTU, 0: not known. mtu: of the interface. members: by name. released: addresses that
    rest, as in the ledger."""

    name: str
    interface: Interface
    server: Server
    ends: Ends
    peer_key: str | None
    underlay: int
    mtu: int
    members: tuple[Member, ...]
    released: tuple[tuple[str, str], ...]

    def entry(self) -> LinkEntry:
        """What the ledger is to remember of it."""
        clients = {
            member.name: ClientEntry(member.addresses, member.ends, member.underlay, member.preshared)
            for member in self.members
        }
        return LinkEntry(self.interface.server, self.ends, self.underlay, clients, self.released)
