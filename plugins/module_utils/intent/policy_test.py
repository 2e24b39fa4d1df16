# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What policies must do, said once more, by example."""

from __future__ import annotations

from typing import NamedTuple


class PolicyTest(NamedTuple):
    """source, destination: names of peers, or addresses in canonical text. protocol: as of a rule's port.

    port: of TCP, UDP and SCTP; of ICMP the type. None: ICMP of any type. expect: rule.ALLOW or rule.DENY.
    """

    source: str
    destination: str
    protocol: str
    port: int | None
    expect: str
