# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies: what the peers that they select may receive and send."""

from __future__ import annotations

from typing import NamedTuple

from .rule import Rule
from .selector import Selector


class Policy(NamedTuple):
    """namespace, network: its scope, the name of one of the two; the other is None. select: peers of the scope.

    mode: as of a network, None: its network's. ingress, egress: empty: it allows nothing, and denies nothing.
    """

    namespace: str | None
    network: str | None
    select: Selector
    mode: str | None
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]
