# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Numbers of networks and identities: the part of the ledger that policies have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...model.policy import FIRST_IDENTITY

# Whom a number is for: (network, prefix), ("", peer) or ("", network).
Key = tuple[str, str]

# So many freed numbers rest; then the longest free is as good as one that never was used.
_RESTING = 4096

FIRST_NETWORK = 1
LAST_NETWORK = 65535


class Numbers(NamedTuple):
    """given: who has which. released: (number, who had it), the longest free first."""

    given: Mapping[Key, int] = MappingProxyType({})
    released: tuple[tuple[int, Key], ...] = ()


class PolicyLedger(NamedTuple):
    """networks: keys are ("", name). identities: of peers, keys are ("", name), and of prefixes, (network, prefix)."""

    networks: Numbers = Numbers()
    identities: Numbers = Numbers()


EMPTY = PolicyLedger()


class Counter:
    """Hands out numbers from `first` on, each at most once. Who had one gets it again; a new one gets the lowest that
    was never used; nobody is renumbered because somebody else came or went."""

    def __init__(self, remembered: Numbers, first: int, pinned: Mapping[Key, int] = MappingProxyType({})) -> None:
        self._remembered = remembered
        held = {number: key for key, number in pinned.items()}
        # Of several that rest for one, the one it had last.
        known = (*remembered.released, *((number, key) for key, number in remembered.given.items()))
        self._known = {**{key: number for number, key in known if number not in held}, **pinned}
        self._taken = {*held, *(number for number, _key in known)}
        self._next = first
        self.given: dict[Key, int] = {}

    def number(self, key: Key) -> int:
        if key not in self.given:
            number = self._known.get(key)
            self.given[key] = self._unused() if number is None else number
        return self.given[key]

    def _unused(self) -> int:
        while self._next in self._taken:
            self._next += 1
        self._taken.add(self._next)
        return self._next

    def numbers(self) -> Numbers:
        """What is to be remembered."""
        used = set(self.given.values())
        gone = sorted((number, key) for key, number in self._remembered.given.items())
        resting = {number: key for number, key in (*self._remembered.released, *gone) if number not in used}
        return Numbers(dict(sorted(self.given.items())), tuple(resting.items())[-_RESTING:])


def identity_counter(ledger: PolicyLedger) -> Counter:
    return Counter(ledger.identities, FIRST_IDENTITY)


def document(ledger: PolicyLedger) -> dict[str, Any]:
    """As it stands in the ledger's JSON."""
    return {name: _document(numbers) for name, numbers in ledger._asdict().items()}


def _document(numbers: Numbers) -> dict[str, Any]:
    given = ((number, key) for key, number in numbers.given.items())
    return {"given": _rows(sorted(given)), "released": _rows(numbers.released)}


def _rows(pairs: Iterable[tuple[int, Key]]) -> list[list[Any]]:
    return [[number, *key] for number, key in pairs]


def from_document(value: Any) -> PolicyLedger:
    """What document() made of a ledger. Raises ValueError, KeyError or TypeError for anything else."""
    networks = _numbers(value["networks"], FIRST_NETWORK)
    return PolicyLedger(networks, _numbers(value["identities"], FIRST_IDENTITY))


def _numbers(value: Any, first: int) -> Numbers:
    given = [_pair(row, first) for row in value["given"]]
    released = tuple(_pair(row, first) for row in value["released"])
    owners: dict[int, Key] = {}
    for number, key in (*given, *released):
        if number in owners:
            raise ValueError(f"{owners[number]} and {key} both have {number}")
        owners[number] = key
    found = {key: number for number, key in given}
    if len(found) != len(given):
        raise ValueError("somebody has two numbers")
    return Numbers(found, released)


def _pair(row: Any, first: int) -> tuple[int, Key]:
    number, network, name = row
    if isinstance(number, bool) or not isinstance(number, int) or number < first:
        raise ValueError(f"{number!r} is no number from {first} on")
    return number, (str(network), str(name))
