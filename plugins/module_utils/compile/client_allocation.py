# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Client addresses: the only place that hands them out.

In this order: pinned in the intent; held by a peer of the server now, recognised by its name and then by its public
key; remembered in the ledger, likewise; the lowest that was never used; the longest released. A client has the same
number in both families, unless pins have it otherwise: number n is address n of the subnet, 1 is the server's. Nobody
is renumbered because somebody else came or went.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..intent.node import below
from ..intent.server import Pair
from ..model.errors import Fault
from .address_office import Claim, Claimant, Evidence, Office
from .words import some


class Leases(NamedTuple):
    """addresses: by client, IPv4 first. released: (address, client that had it), updated. faults: all of them."""

    addresses: dict[str, tuple[str, ...]]
    released: tuple[tuple[str, str], ...]
    faults: tuple[Fault, ...]


def allocate(interface: str, subnets: Pair, claimants: Sequence[Claimant], evidence: Evidence) -> Leases:
    """Give every client an address in each subnet. interface: its name, for faults."""
    claimants = sorted(claimants, key=lambda claimant: claimant.name)
    evidence = evidence._replace(held=_in_order(evidence.held), remembered=_in_order(evidence.remembered))
    offices = [Office(interface, subnet) for subnet in subnets.both()]
    for office in offices:
        claims = office.claims(claimants, evidence)
        office.give_pinned(claimants, claims)
        office.give_claimed(claims)
        office.release(evidence)
    faults = [fault for office in offices for fault in office.faults]
    waiting = [claimant.name for claimant in claimants if any(claimant.name not in office.given for office in offices)]
    if waiting and not evidence.fresh:
        message = f"{some(waiting)}: no address yet, and the server could not be asked which are free"
        faults.append(Fault("domain.yaml", below("interfaces", interface), f"{message}; run again when it answers"))
    elif not all(_give_new(name, offices) for name in waiting):
        tight = min(offices, key=lambda office: office.last)
        room = f"{tight.network} has room for {tight.last - 1} clients, and {len(claimants)} are declared"
        message = f"{room}; choose a larger network"
        faults.append(Fault("domain.yaml", f"{below('interfaces', interface)}.subnets", message))
    complete = [claimant.name for claimant in claimants if all(claimant.name in office.given for office in offices)]
    addresses = {name: tuple(office.text(office.given[name]) for office in offices) for name in sorted(complete)}
    return Leases(addresses, tuple(_released(offices)), tuple(faults))


def _in_order(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    return tuple(sorted(claims, key=lambda claim: (claim.name, claim.addresses, claim.key or "")))


def _give_new(name: str, offices: list[Office]) -> bool:
    """The number that the client has in the other family, else the next one that is free in both; where pins left no
    such number, one for each family. False: there is none."""
    lacking = [office for office in offices if name not in office.given]
    numbers = sorted(office.given[name] for office in offices if name in office.given)
    same = next((number for number in numbers if all(office.never_used(number) for office in lacking)), None)
    number = same or _next(lacking)
    for office in lacking:
        alone = number or _next([office])
        if alone is None:
            return False
        office.give(name, alone)
    return True


def _next(offices: list[Office]) -> int | None:
    """The lowest number that none of them ever used, else the longest released; None where there is neither."""
    last = min(office.last for office in offices)
    number = max(office.lowest() for office in offices)
    while number <= last and not all(office.never_used(number) for office in offices):
        number += 1
    if number <= last:
        return number
    free = {number for office in offices for number in office.resting if number <= last}
    free = {number for number in free if not any(number in office.holder for office in offices)}
    return min(free, key=lambda number: (max(office.since(number) for office in offices), number), default=None)


def _released(offices: list[Office]) -> Iterator[tuple[str, str]]:
    """What rests now, the longest released first; addresses that were released together stay together."""
    resting = [
        (since, number, place, office.text(number), name)
        for place, office in enumerate(offices)
        for number, (since, name) in office.resting.items()
        if number not in office.holder
    ]
    return ((text, name) for _since, _number, _place, text, name in sorted(resting))
