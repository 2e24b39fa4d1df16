# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks of a domain: tenants, between which nothing passes unless they are peered."""

from __future__ import annotations

from typing import NamedTuple

ENFORCE = "enforce"
OBSERVE = "observe"


class Network(NamedTuple):
    """cidrs: canonical text, without overlaps. mtu: bytes, None: each host's links decide.

    mode: ENFORCE, or OBSERVE: what would be denied passes and is recorded. peered: names of networks that its peers
    may reach, each of which names this one too. id: pinned number, None: allocated.
    """

    cidrs: tuple[str, ...]
    mtu: int | None
    mode: str
    peered: tuple[str, ...]
    id: int | None
