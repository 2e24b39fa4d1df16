# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The only place that hands out runner ids. VNIs, subnets and names follow from the id.

In this order: pinned in the inventory; held by a live tunnel of the hub, recognised by the host name in its alias and
then by its underlay address; held by a live tunnel of the runner itself; remembered in the ledger, likewise; the
lowest that was never used; the longest free. Nobody is renumbered because somebody else came or went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..model.errors import Fault
from .inventory import Host
from .ledger import Ledger


class Claim(NamedTuple):
    """Evidence that a host holds an id. remote: the underlay address at the far end of its tunnel."""

    host: str
    runner_id: int
    remote: str | None


class Allocation(NamedTuple):
    """ids: by runner name. released: as in the ledger, updated. faults: all of them."""

    ids: dict[str, int]
    released: tuple[tuple[int, str], ...]
    faults: tuple[Fault, ...]


def allocate(
    runners: tuple[Host, ...], live: Sequence[Claim], own: Sequence[Claim], ledger: Ledger, limit: int, fresh: bool
) -> Allocation:
    """Give every runner an id from 1 to limit.

    runners: in the overlay, with their underlay addresses known where possible. live: claims of the hub's tunnels.
    own: claims of the runners' own tunnels, for a hub that was lost. fresh: whether ids that no claim supports may be
    handed out (not, where the hub could not be asked).
    """
    live, own = sorted(live, key=_order), sorted(own, key=_order)
    remembered = [
        Claim(name, entry.runner_id, entry.underlay)
        for name, entry in sorted(ledger.hosts.items())
        if entry.runner_id is not None
    ]
    # Of several that rest for one host, the one it had last.
    resting = [Claim(host, number, None) for number, host in reversed(ledger.released)]
    holders = _Desk(runners, limit)
    holders.give_claimed((live, own, remembered))
    desk = _Desk(runners, limit)
    desk.give_pinned(holders.ids)
    desk.give_claimed((live, own, remembered, resting))
    released = _released(desk.ids, live, ledger)
    desk.give_new({number for number, _host in released}, [number for number, _host in released], fresh)
    taken = set(desk.ids.values())
    return Allocation(desk.ids, tuple(item for item in released if item[0] not in taken), tuple(desk.faults))


def _order(claim: Claim) -> tuple[int, str, str]:
    return claim.runner_id, claim.host, claim.remote or ""


class _Desk:
    """Hands out ids, each at most once; what was given stays given."""

    def __init__(self, runners: tuple[Host, ...], limit: int) -> None:
        self.runners = runners
        self.limit = limit
        self.ids: dict[str, int] = {}
        self.faults: list[Fault] = []

    def _without(self) -> list[Host]:
        return [runner for runner in self.runners if runner.name not in self.ids]

    def _give(self, runner: Host, number: int) -> None:
        if 1 <= number <= self.limit and number not in self.ids.values():
            self.ids[runner.name] = number

    def give_pinned(self, held: dict[str, int]) -> None:
        """held: who has what now; one that is not pinned elsewhere is not moved by somebody else's pin."""
        holders = {held[runner.name]: runner for runner in self.runners if runner.name in held}
        for runner in self.runners:
            number = runner.runner_id
            if number is None:
                continue
            if number > self.limit:
                message = f"{number} is more than overlay.cidr has room for; ids go from 1 to {self.limit}"
                self.faults.append(Fault(runner.id_at, f"{runner.name}: runner_id", message))
                continue
            holder = holders.get(number, runner)
            if holder != runner and holder.runner_id is None:
                message = f"{number} is held by {holder.name}; pin {holder.name} to another id first, or pick one"
                self.faults.append(Fault(runner.id_at, f"{runner.name}: runner_id", message))
            self._give(runner, number)

    def give_claimed(self, evidence: Sequence[list[Claim]]) -> None:
        """evidence: the surest claims first."""
        for claims in evidence:
            self.give_by_name(claims)
            self.give_by_address(claims)

    def give_by_name(self, claims: list[Claim]) -> None:
        for runner in self._without():
            for claim in claims:
                if claim.host == runner.name and runner.name not in self.ids:
                    self._give(runner, claim.runner_id)

    def give_by_address(self, claims: list[Claim]) -> None:
        """A renamed host: its address is known, and the name it had is nobody's any more."""
        names = {runner.name for runner in self.runners}
        for runner in self._without():
            for claim in claims:
                known = claim.remote is not None and claim.remote == runner.underlay and claim.host not in names
                if known and runner.name not in self.ids:
                    self._give(runner, claim.runner_id)

    def give_new(self, resting: set[int], oldest_first: list[int], fresh: bool) -> None:
        waiting = [runner for runner in self._without() if runner.runner_id is None]
        if waiting and not fresh:
            names = ", ".join(runner.name for runner in waiting)
            message = "has no id yet, and the hub could not be asked which are free; run again when it answers"
            self.faults.append(Fault("inventory", names, message))
            return
        taken = set(self.ids.values())
        free = [number for number in range(1, self.limit + 1) if number not in taken and number not in resting]
        free += [number for number in oldest_first if number not in taken and number <= self.limit]
        for runner, number in zip(waiting, free):
            self.ids[runner.name] = number
        if len(waiting) > len(free):
            message = (
                f"{len(self.runners)} runners, but overlay.cidr has room for {self.limit}; "
                "choose a larger overlay.cidr or a longer overlay.runner_prefix"
            )
            self.faults.append(Fault("inventory", "runners", message))


def _released(ids: dict[str, int], live: list[Claim], ledger: Ledger) -> list[tuple[int, str]]:
    """Ids that somebody had and nobody has now: the ones released before first, then what this run releases."""
    taken = set(ids.values())
    gone = {entry.runner_id: name for name, entry in sorted(ledger.hosts.items()) if entry.runner_id is not None}
    gone.update({claim.runner_id: claim.host for claim in live})
    resting: dict[int, str] = {}
    for number, host in (*ledger.released, *sorted(gone.items())):
        if number not in taken and number >= 1:
            resting.setdefault(number, host)
    return list(resting.items())
