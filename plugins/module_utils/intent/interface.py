# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""WireGuard interfaces of servers."""

from __future__ import annotations

from typing import NamedTuple

from .server import Pair

KERNEL = "kernel"
USERSPACE = "userspace"


class Endpoint(NamedTuple):
    """Where clients connect to: a host name or an address as they see it, and the UDP port the server listens on."""

    host: str
    port: int


class Interface(NamedTuple):
    """server: name of one. subnets: of the VPN. lan: networks that can be reached behind the server.

    internet: whether it can be reached behind the server. masquerade: nothing, internet or everything.
    implementation: KERNEL or USERSPACE, None: the kernel's where it has one. mtu: bytes, None: the underlay decides.
    keepalive: seconds, of the clients; 0: off. dns: resolvers for the clients. zone: firewalld's.
    queue: transmit queue length in packets, None: as the kernel chooses. threads: processors that wireguard-go may
    use, None: all.
    """

    server: str
    endpoint: Endpoint
    subnets: Pair
    lan: tuple[str, ...]
    internet: bool
    masquerade: str
    implementation: str | None
    mtu: int | None
    keepalive: int
    dns: tuple[str, ...]
    zone: str
    queue: int | None
    threads: int | None
