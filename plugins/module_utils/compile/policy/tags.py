# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which tag the networks of one host have in the marks of its packets, and with it which routing table.

Marks do not leave a host, so each host numbers its own networks. A network keeps its tag as long as it is there, and
gets it again if it comes back while the tag rests; a new one gets the lowest that was never used, else the longest
released.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.errors import Fault
from ...model.marks import FIRST_TAG, LAST_TAG, TABLE_BASE
from .ledger import Numbers, numbered

# So many networks have a tag on one host.
ROOM = LAST_TAG - FIRST_TAG + 1


def table_of(tag: int) -> int:
    """The routing table of the network with this tag."""
    return TABLE_BASE + tag


def allocated(host: str, networks: Iterable[str], remembered: Numbers) -> tuple[Numbers, tuple[Fault, ...]]:
    """Give every network of the host a tag. host: its name, for faults. With a fault nothing is given to new ones."""
    wanted = set(networks)
    if len(wanted) > ROOM:
        message = f"is in {len(wanted)} networks, and marks tell {ROOM} apart; move some of their peers to another host"
        return remembered, (Fault(host, "networks", message),)
    return numbered(wanted, remembered, FIRST_TAG, LAST_TAG), ()
