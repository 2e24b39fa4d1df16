# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The addresses of one VPN subnet and who claims them. client_allocation.py decides between the families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from ..intent.node import below
from ..intent.server import Pair
from ..model.errors import Fault

# How sure a claim is; the surest counts. A resting one is nobody's any more, so it is never in anybody's way.
_HELD, _REMEMBERED, _RESTING = range(3)
_WHERE = {_HELD: "on the server", _REMEMBERED: "in the ledger"}

# 0 is the network's own, 1 the server's.
_FIRST = 2


class Claimant(NamedTuple):
    """A client that needs addresses. pinned: None: nothing is. key: its public key, None: not known yet."""

    name: str
    pinned: Pair | None = None
    key: str | None = None


class Claim(NamedTuple):
    """Evidence that a client has addresses, bare ones. name: "" where nobody knows it any more."""

    name: str
    addresses: tuple[str, ...]
    key: str | None = None


class Evidence(NamedTuple):
    """held: by peers of the server. remembered, released: of the ledger, the latter the longest released first. fresh:
    whether addresses that no claim supports may be handed out (not, where the server could not be asked)."""

    held: tuple[Claim, ...] = ()
    remembered: tuple[Claim, ...] = ()
    released: tuple[tuple[str, str], ...] = ()
    fresh: bool = True


class Office:
    """One subnet; what was given stays given. Addresses are counted: number n is address n of the subnet.

    given: client → number. holder: number → client. resting: number → (since when, in the order of release, client).
    last: the highest number; IPv4's last address is the broadcast address.
    """

    def __init__(self, interface: str, subnet: str) -> None:
        network = ip_network(subnet)
        self.network = subnet
        self.last = network.num_addresses - (2 if network.version == 4 else 1)
        self.faults: list[Fault] = []
        self.given: dict[str, int] = {}
        self.holder: dict[int, str] = {}
        self.resting: dict[int, tuple[int, str]] = {}
        self._family = f"ipv{network.version}"
        self._interface = interface
        self._base = network[0]
        self._lowest = _FIRST
        # The same address stands in several claims.
        self._read: dict[str, int | None] = {}

    def text(self, number: int) -> str:
        return str(self._base + number)

    def _number(self, text: str) -> int | None:
        """None for what is no client's address in this subnet."""
        if text not in self._read:
            address = ip_address(text)
            number = int(address) - int(self._base)
            fits = address.version == self._base.version and _FIRST <= number <= self.last
            self._read[text] = number if fits else None
        return self._read[text]

    def _numbers(self, addresses: Sequence[str]) -> Iterator[int]:
        return (number for number in map(self._number, addresses) if number is not None)

    def give(self, name: str, number: int) -> None:
        self.given[name] = number
        self.holder[number] = name

    def claims(self, claimants: Sequence[Claimant], evidence: Evidence) -> dict[str, tuple[int, int]]:
        """{client: (how sure, number)}, the surest claim of each."""
        found: dict[str, tuple[int, int]] = {}
        for rank, claims in ((_HELD, evidence.held), (_REMEMBERED, evidence.remembered)):
            self._by_name(claimants, claims, rank, found)
            self._by_key(claimants, claims, rank, found)
        # Of several that rest for one client, the one it had last.
        resting = tuple(Claim(name, (address,)) for address, name in reversed(evidence.released))
        self._by_name(claimants, resting, _RESTING, found)
        return found

    def _by_name(
        self, claimants: Sequence[Claimant], claims: Sequence[Claim], rank: int, found: dict[str, tuple[int, int]]
    ) -> None:
        names = {claimant.name for claimant in claimants}
        for claim in claims:
            for number in self._numbers(claim.addresses if claim.name in names else ()):
                found.setdefault(claim.name, (rank, number))

    def _by_key(
        self, claimants: Sequence[Claimant], claims: Sequence[Claim], rank: int, found: dict[str, tuple[int, int]]
    ) -> None:
        """A renamed client: its key is known, and the name it had is nobody's any more."""
        names = {claimant.name for claimant in claimants}
        keys = {claim.key: claim for claim in reversed(claims) if claim.key and claim.name not in names}
        for claimant in claimants:
            claim = keys.get(claimant.key or "")
            for number in self._numbers(claim.addresses if claim else ()):
                found.setdefault(claimant.name, (rank, number))

    def give_pinned(self, claimants: Sequence[Claimant], claims: Mapping[str, tuple[int, int]]) -> None:
        """One that is not pinned elsewhere is not moved by somebody else's pin."""
        pins = {claimant.name: self._pin(claimant) for claimant in claimants}
        holders = {
            number: name for name, (rank, number) in claims.items() if rank != _RESTING and pins.get(name) is None
        }
        for name, text in pins.items():
            number = self._number(text) if text else None
            if number is None:
                continue
            other = holders.get(number, name)
            if other != name:
                message = f"{text} is held by {other}; pin {other} to another address first, or pick one"
                self._fault(name, message)
            elif number in self.holder:
                self._fault(name, f"{text} is pinned for {self.holder[number]} too; pick another one for one of them")
            else:
                self.give(name, number)

    def _pin(self, claimant: Claimant) -> str | None:
        pair: Mapping[str, str | None] = claimant.pinned._asdict() if claimant.pinned else {}
        return pair.get(self._family)

    def _fault(self, name: str, message: str) -> None:
        path = f"{below('clients', name)}.addresses.{self._family}"
        self.faults.append(Fault("domain.yaml", path, message))

    def give_claimed(self, claims: Mapping[str, tuple[int, int]]) -> None:
        for name, (rank, number) in sorted(claims.items(), key=lambda item: (item[1][0], item[0])):
            if name in self.given:
                continue
            if number not in self.holder:
                self.give(name, number)
                continue
            other = self.holder[number]
            others_rank, others_number = claims.get(other, (_RESTING, 0))
            if _RESTING not in (rank, others_rank) and others_number == number:
                message = f"{self.text(number)} is claimed by {other} ({_WHERE[others_rank]}) and by {name} "
                self._fault(name, f"{message}({_WHERE[rank]}); pin one of them to another address")

    def release(self, evidence: Evidence) -> None:
        """Addresses that somebody had and nobody has now: the ones released before first, then what this run
        releases. What lies outside the subnet is forgotten."""
        for since, (address, name) in enumerate(evidence.released):
            for number in self._numbers((address,)):
                self.resting.setdefault(number, (since, name))
        for claim in (*evidence.held, *evidence.remembered):
            for number in self._numbers(claim.addresses):
                self.resting.setdefault(number, (len(evidence.released) + number, claim.name))
        for number in self.holder:
            self.resting.pop(number, None)

    def since(self, number: int) -> int:
        """-1 for a number that does not rest."""
        return self.resting.get(number, (-1, ""))[0]

    def never_used(self, number: int) -> bool:
        return _FIRST <= number <= self.last and number not in self.holder and number not in self.resting

    def lowest(self) -> int:
        """No number below it was never used."""
        while self._lowest <= self.last and not self.never_used(self._lowest):
            self._lowest += 1
        return self._lowest
