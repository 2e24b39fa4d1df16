# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clients of WireGuard interfaces: people's devices, and hosts of the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .server import Pair


class Client(NamedTuple):
    """interface, profile: names. labels: key → value. expires: Unix time from which on it has no access, None: never.

    owner: for the reader. public_key: made by the client itself (base64), None: made by the server or by `host`.
    host: inventory name of the machine that is this client and that Ansible manages, None: nobody's.
    addresses: pinned ones, bare; None: allocated. preshared: whether the pair has a preshared key.
    """

    interface: str
    profile: str
    labels: Mapping[str, str]
    expires: int | None
    owner: str | None
    public_key: str | None
    host: str | None
    addresses: Pair | None
    preshared: bool
