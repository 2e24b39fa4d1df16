# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The configuration of a client that Ansible does not manage (a phone, a laptop), without its secrets."""

from __future__ import annotations

from typing import NamedTuple


class ClientConfig(NamedTuple):
    """What the files of one client say; the host that keeps them adds the secrets.

    link: the server's interface. public_key: the client's own. given: the client made its key itself, so the files
    have no private key.
    addresses: with prefix length, `10.8.0.2/32`. dns: addresses. mtu: bytes, 0: left out.
    server_key: the server's public key. endpoint: `vpn.example.net:51820`. allowed_ips: of the client's side, sorted
    as compile orders them. keepalive: seconds, 0: left out. preshared: whether the pair has a preshared key.
    about: lines for the reader (profile, owner, expiry, labels), each without a line break.
    whole: False (observed only): a file of the client is missing, half or damaged.
    """

    name: str
    link: str
    public_key: str
    given: bool
    addresses: tuple[str, ...]
    dns: tuple[str, ...]
    mtu: int
    server_key: str
    endpoint: str
    allowed_ips: tuple[str, ...]
    keepalive: int
    preshared: bool
    about: tuple[str, ...] = ()
    whole: bool = True

    def key(self) -> str:
        return self.name
