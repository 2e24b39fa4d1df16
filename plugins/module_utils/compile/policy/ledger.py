# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Numbers of networks and identities, and on each host of tags and interfaces: the part of the ledger that policies
have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ...model.marks import FIRST_TAG, LAST_TAG
from ...model.policy import FIRST_IDENTITY, NO_ATTACHMENT
from .prefix import prefix_of

# Whom a number is for: (network, prefix), ("", peer) or ("", network).
Key = tuple[str, str]

# Whom a shadow is for: (viewer, network, cidr).
ShadowKey = tuple[str, str, str]

# So many freed numbers rest; then the longest free is as good as one that never was used.
_RESTING = 4096

# Of what a map holds as a number.
_LARGEST = (1 << 32) - 1

FIRST_NETWORK = 1
LAST_NETWORK = 65535
FIRST_ATTACHMENT = NO_ATTACHMENT + 1


class Numbers(NamedTuple):
    """given: who has which. released: (number, who had it), the longest free first."""

    given: Mapping[Key, int] = MappingProxyType({})
    released: tuple[tuple[int, Key], ...] = ()


class Shadows(NamedTuple):
    """given: who has which prefix. released: (prefix, who had it), the longest free first."""

    given: Mapping[ShadowKey, str] = MappingProxyType({})
    released: tuple[tuple[str, ShadowKey], ...] = ()


class PolicyLedger(NamedTuple):
    """networks: keys are ("", name). identities: of peers, keys are ("", name), and of prefixes, (network, prefix)."""

    networks: Numbers = Numbers()
    identities: Numbers = Numbers()
    shadows: Shadows = Shadows()


EMPTY = PolicyLedger()


class HostNumbers(NamedTuple):
    """Of one host. tags: of networks, attachments: of interfaces; keys of both are ("", name)."""

    tags: Numbers = Numbers()
    attachments: Numbers = Numbers()


class Remembered(NamedTuple):
    """All that is remembered of policies. hosts: by name, those that are policed."""

    domain: PolicyLedger = EMPTY
    hosts: Mapping[str, HostNumbers] = MappingProxyType({})


NOTHING = Remembered()


class Counter:
    """Hands out numbers from `first` on, each at most once. Who had one gets it again; a new one gets the lowest that
    was never used, after `last` the longest free; nobody is renumbered because somebody else came or went."""

    def __init__(
        self,
        remembered: Numbers,
        first: int,
        pinned: Mapping[Key, int] = MappingProxyType({}),
        last: int | None = None,
    ) -> None:
        self._remembered = remembered
        self._last = last
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

    def knows(self, key: Key) -> bool:
        """Whether it has a number, or had one that rests."""
        return key in self._known

    def _unused(self) -> int:
        while self._next in self._taken:
            self._next += 1
        if self._last is not None and self._next > self._last:
            return next(iter(self._resting()))
        self._taken.add(self._next)
        return self._next

    def _resting(self) -> dict[int, Key]:
        """The longest free first."""
        used = set(self.given.values())
        gone = sorted((number, key) for key, number in self._remembered.given.items())
        return {number: key for number, key in (*self._remembered.released, *gone) if number not in used}

    def numbers(self) -> Numbers:
        """What is to be remembered."""
        return Numbers(dict(sorted(self.given.items())), tuple(self._resting().items())[-_RESTING:])


def identity_counter(ledger: PolicyLedger) -> Counter:
    return Counter(ledger.identities, FIRST_IDENTITY)


def numbered(names: Iterable[str], remembered: Numbers, first: int, last: int | None = None) -> Numbers:
    """Give each name a number. There have to be enough: with `last`, so many numbers are all that there are."""
    counter = Counter(remembered, first, last=last)
    keys = [("", name) for name in sorted(set(names))]
    # Who had one comes before those who might be given it.
    for key in sorted(keys, key=lambda key: not counter.knows(key)):
        counter.number(key)
    return counter.numbers()


def by_name(numbers: Numbers) -> dict[str, int]:
    """What names have, where keys are names alone."""
    return {name: number for (_none, name), number in numbers.given.items()}


def document(ledger: PolicyLedger | HostNumbers) -> dict[str, Any]:
    """As it stands in the ledger's JSON; without shadows, where there never were any."""
    found = {name: _document(part) for name, part in ledger._asdict().items() if isinstance(part, Numbers)}
    if isinstance(ledger, PolicyLedger) and ledger.shadows != Shadows():
        given = sorted((shadow, key) for key, shadow in ledger.shadows.given.items())
        found["shadows"] = {"given": _rows(given), "released": _rows(ledger.shadows.released)}
    return found


def whole_document(remembered: Remembered) -> dict[str, Any]:
    """All of it, as it stands there."""
    hosts = {host: document(numbers) for host, numbers in remembered.hosts.items()}
    return {**document(remembered.domain), "hosts": hosts}


def from_whole_document(value: Any) -> Remembered:
    """What whole_document() made. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    hosts = {str(host): _host_numbers(numbers) for host, numbers in value["hosts"].items()}
    return Remembered(from_document(value), hosts)


def _host_numbers(value: Any) -> HostNumbers:
    tags = _numbers(value["tags"], FIRST_TAG, LAST_TAG)
    return HostNumbers(tags, _numbers(value["attachments"], FIRST_ATTACHMENT))


def _document(numbers: Numbers) -> dict[str, Any]:
    given = ((number, key) for key, number in numbers.given.items())
    return {"given": _rows(sorted(given)), "released": _rows(numbers.released)}


def _rows(pairs: Iterable[tuple[int, Key]] | Iterable[tuple[str, ShadowKey]]) -> list[list[Any]]:
    return [[number, *key] for number, key in pairs]


def from_document(value: Any) -> PolicyLedger:
    """What document() made of a ledger. Raises ValueError, KeyError or TypeError for anything else."""
    networks = _numbers(value["networks"], FIRST_NETWORK)
    # Older ones know of no shadows.
    shadows = _shadows(value["shadows"]) if "shadows" in value else Shadows()
    return PolicyLedger(networks, _numbers(value["identities"], FIRST_IDENTITY), shadows)


def _shadows(value: Any) -> Shadows:
    given = {key: shadow for shadow, key in map(_shadow, value["given"])}
    if len(given) != len(value["given"]):
        raise ValueError("somebody has two shadows")
    return Shadows(given, tuple(map(_shadow, value["released"])))


def _shadow(row: Any) -> tuple[str, ShadowKey]:
    shadow, viewer, network, cidr = row
    return str(prefix_of(shadow)), (str(viewer), str(network), str(prefix_of(cidr)))


def _numbers(value: Any, first: int, last: int = _LARGEST) -> Numbers:
    given = [_pair(row, first, last) for row in value["given"]]
    released = tuple(_pair(row, first, last) for row in value["released"])
    owners: dict[int, Key] = {}
    for number, key in (*given, *released):
        if number in owners:
            raise ValueError(f"{owners[number]} and {key} both have {number}")
        owners[number] = key
    found = {key: number for number, key in given}
    if len(found) != len(given):
        raise ValueError("somebody has two numbers")
    return Numbers(found, released)


def _pair(row: Any, first: int, last: int) -> tuple[int, Key]:
    number, network, name = row
    if isinstance(number, bool) or not isinstance(number, int) or not first <= number <= last:
        raise ValueError(f"{number!r} is no number from {first} to {last}")
    return number, (str(network), str(name))
