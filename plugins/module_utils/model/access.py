# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the clients of a WireGuard interface may talk to, as the server enforces it whatever the clients think."""

from __future__ import annotations

from typing import NamedTuple

# What of a client's traffic leaves with the server's own address.
MASQUERADE_NOTHING = "nothing"
MASQUERADE_INTERNET = "internet"
MASQUERADE_EVERYTHING = "everything"


class Reach(NamedTuple):
    """Clients of one profile, and where they may begin a conversation.

    clients: their addresses, bare, both families mixed. prefixes: destinations, both families mixed.
    internet: everything that is not in Access.internal. neighbours: the other clients of this interface.
    host: the server itself, as far as its own firewall lets them; where False, it answers pings on its VPN addresses
    and nothing else (but see Access.dns).
    excluded: prefixes never reached, though prefixes or internet cover them.
    """

    profile: str
    clients: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    internet: bool = False
    neighbours: bool = False
    host: bool = False
    excluded: tuple[str, ...] = ()


class Access(NamedTuple):
    """The gate of one WireGuard interface.

    port: UDP, open to everybody. subnets: of the VPN, `10.8.0.0/24`. addresses: the server's own in them, bare.
    reaches: a client that is in none of them reaches nothing. dns: resolvers that every client may ask (UDP and
    TCP 53). internal: prefixes that are not "the internet". masquerade: MASQUERADE_*. mtu: of the link, bytes.
    zone: firewalld zone of the link where firewalld runs.
    Conversations begun from outside towards clients are refused; answers pass.
    """

    link: str
    port: int
    subnets: tuple[str, ...]
    addresses: tuple[str, ...]
    reaches: tuple[Reach, ...]
    internal: tuple[str, ...]
    masquerade: str
    mtu: int
    zone: str
    dns: tuple[str, ...] = ()
