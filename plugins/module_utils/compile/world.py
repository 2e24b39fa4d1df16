# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a compilation starts from, and what it gathers on its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..intent.domain import Intent
from ..model.errors import Fault
from ..model.facts import Facts
from .inventory import Inventory
from .keys import KeysWanted, Wish
from .ledger import Ledger


class Run(NamedTuple):
    """facts: of the hosts that were asked. offline: nobody was asked on purpose. allow_empty: the removal of the last
    runner, client or server is meant. new_keys: servers that lost their keys and are to have others.

    leaving: runners that are to go while the inventory still has them. disconnect: whatever containers run there. mute:
    those of them that answered and could not be looked at."""

    facts: Mapping[str, Facts]
    offline: bool = False
    allow_empty: bool = False
    new_keys: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()
    disconnect: bool = False
    mute: frozenset[str] = frozenset()


class World(NamedTuple):
    """shaken: public keys that anybody has shaken hands with."""

    intent: Intent
    inventory: Inventory
    ledger: Ledger
    run: Run
    shaken: frozenset[str]


class Findings:
    """faults, notes: for the reader. wishes: keys that hosts lack."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self.wishes: list[Wish] = []

    def wish(self, host: str, wanted: KeysWanted) -> None:
        self.wishes.append((host, wanted))
