# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which intent is the later one. Two controllers that both have a copy of it find out on the hosts, before they take
each other's work away: each host knows whose revision it has.

A revision is counted whenever any host's plan becomes another one. The ledger has it, so it goes where the intent goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from ..model.errors import Fault
from ..model.plan import HostPlan, to_json
from ..model.transaction import Author, objection


class Lineage(NamedTuple):
    """name: of the intent, made up once; "": none yet. revision: how often its plans have changed. plans: digest of all
    plans of that revision."""

    name: str = ""
    revision: int = 0
    plans: str = ""


def digest_of(plans: Mapping[str, HostPlan]) -> str:
    found = hashlib.sha256()
    for host in sorted(plans):
        found.update(f"{host}\0{to_json(plans[host])}\0".encode())
    return found.hexdigest()[:32]


def advanced(known: Lineage, plans: str, seen: Mapping[str, Author], fresh: str) -> Lineage:
    """What the ledger says next. known: what it says. plans: their digest. seen: who changed each host last. fresh: a
    name that nobody has, for an intent of which there is neither a ledger nor a host."""
    if not known.name:
        # A ledger that was lost: the hosts know.
        last = max(seen.values(), key=lambda author: (author.revision, author.lineage), default=Author("", fresh))
        known = Lineage(last.lineage, last.revision, last.plans)
    return known if known.plans == plans else Lineage(known.name, known.revision + 1, plans)


def overtaking(ours: Lineage, seen: Mapping[str, Author]) -> Lineage:
    """Ours, and later than what hosts have that is not: for who says that it is to be so."""
    latest = max((author.revision for author in seen.values()), default=0)
    return ours if not lineage_faults(ours, seen) else ours._replace(revision=max(ours.revision, latest + 1))


def lineage_faults(ours: Lineage, seen: Mapping[str, Author]) -> tuple[Fault, ...]:
    """Hosts that have what we would take away without knowing of it."""
    author = Author("", *ours)
    return tuple(Fault(host, "", words) for host, last in sorted(seen.items()) if (words := objection(author, last)))
