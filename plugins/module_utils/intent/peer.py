# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Peers: who a packet may come from and go to, known to policies by labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Peer(NamedTuple):
    """namespace: name of one. labels: key → value. Exactly one of the others says who it is (not None, not empty):

    client: name of a WireGuard client. server: name of a server. runner: inventory name of a runner.
    addresses: bare, canonical text. subnets: networks in canonical text.
    """

    namespace: str
    labels: Mapping[str, str]
    client: str | None
    server: str | None
    runner: str | None
    addresses: tuple[str, ...]
    subnets: tuple[str, ...]
