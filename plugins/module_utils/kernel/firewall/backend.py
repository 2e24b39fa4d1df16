# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The host's firewall, whichever it is: what weft holds in it, and what of others stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from ...model import state as kinds
from ...model.change import REMOVE, Change
from ...model.firewall import FIREWALLD, IPTABLES_LEGACY, IPTABLES_NFT, NFT, NONE, Refusal, Ruleset
from ...model.marks import NFT_TABLE
from ...model.origin import Around
from ...model.state import State, state_of
from . import firewalld, firewalld_files, nft
from .iptables import Iptables, default
from .nft_names import INET, Names, names


class Seen(NamedTuple):
    """backend: what this host filters with. state: what is ours, in any back end: also in one no longer used.

    zones: names of firewalld's zones, empty where it is not installed.
    faults: foreign objects with our names, as (subject, message). refusals: foreign rules that may be in our way.
    around: what of others our objects are written into.
    """

    backend: str
    state: State
    zones: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    refusals: tuple[Refusal, ...] = ()
    around: Around = Around()


class Firewalls:
    """All back ends of this host. A look costs a process for each that holds something of ours, and firewalld calls."""

    def observe(self) -> Seen:
        listed = names()
        dbus = firewalld.observe()
        tables = [Iptables(backend, listed) for backend in (IPTABLES_NFT, IPTABLES_LEGACY)]
        seen = [table.observe() for table in tables]
        native = nft.observe() if (INET, NFT_TABLE) in listed.tables else nft.Seen()
        found = (native.ruleset, *(look.ruleset for look in seen))
        rulesets = [ruleset for ruleset in found if ruleset is not None]
        faults = dbus.faults + native.faults + tuple(fault for look in seen for fault in look.faults)
        state = state_of(
            {
                kinds.RULESET: tuple(rulesets),
                kinds.FIREWALLD_POLICY: dbus.policies,
                kinds.ZONE: dbus.entries,
                kinds.DIRECT: dbus.rules,
            }
        )
        backend = FIREWALLD if dbus.running else _backend(*tables)
        refusals = tuple(refusal for table in tables for refusal in table.refusals())
        # Files that have entries of ours say no more what they were.
        files = () if dbus.entries or dbus.rules else firewalld_files.originals()
        return Seen(backend, state, dbus.zones, faults, refusals, Around(files, listed.of_iptables()))

    def apply(self, changes: Sequence[Change]) -> None:
        """Carry out changes of firewall kinds in the order given; firewalld is reloaded once for a run of its own."""
        for is_ruleset, group in groupby(changes, key=lambda change: change.kind == kinds.RULESET):
            if not is_ruleset:
                firewalld.apply(list(group))
                continue
            for change in group:
                _swap(change.key, None if change.action == REMOVE else change.after, names())


def _swap(backend: str, ruleset: Ruleset | None, listed: Names) -> None:
    if backend == NFT:
        nft.apply(ruleset, (INET, NFT_TABLE) in listed.tables)
    else:
        Iptables(backend, listed).apply(ruleset)


def _backend(modern: Iptables, legacy: Iptables) -> str:
    """What plain `iptables` is, unless somebody's rules are in the other one, and only there."""
    usual = default()
    if usual is None:
        return NONE
    mine, other = (modern, legacy) if usual == IPTABLES_NFT else (legacy, modern)
    return other.backend if other.is_used() and not mine.is_used() else usual
