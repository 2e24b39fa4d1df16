# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who is who in a domain, and who may speak to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..model.errors import Fault
from .namespace import Namespace
from .network import Network
from .peer import Peer
from .policy import Policy
from .policy_test import PolicyTest


class Tenancy(NamedTuple):
    """By name: networks, namespaces, peers, policies. tests: in the order of the file.

    notes: what may be meant and may be not; the file is good nevertheless.
    """

    networks: Mapping[str, Network]
    namespaces: Mapping[str, Namespace]
    peers: Mapping[str, Peer]
    policies: Mapping[str, Policy]
    tests: tuple[PolicyTest, ...]
    notes: tuple[Fault, ...] = ()
