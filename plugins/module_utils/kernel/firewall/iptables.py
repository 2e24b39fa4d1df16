# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Our chains in iptables, nft and legacy alike: read as a Ruleset, swapped in one transaction per family and table."""

from __future__ import annotations

import os
from typing import NamedTuple

from ...model.errors import KernelError
from ...model.firewall import IPTABLES_LEGACY, IPTABLES_NFT, Refusal, Ruleset
from ...model.marks import CHAIN_PREFIX, LINK_GROUP
from ..programs import find, run
from . import iptables_text as text
from .nft_names import IPV4, IPV6, Names

FAMILIES = {"iptables": IPV4, "ip6tables": IPV6}
_LEGACY_TABLES = {"iptables": "/proc/net/ip_tables_names", "ip6tables": "/proc/net/ip6_tables_names"}
_LINKS = "/sys/class/net"
_FLAVOUR = {IPTABLES_NFT: "nft", IPTABLES_LEGACY: "legacy"}


class Seen(NamedTuple):
    """ruleset: None where nothing of ours is there. faults: (subject, message)."""

    ruleset: Ruleset | None = None
    faults: tuple[tuple[str, str], ...] = ()


def default() -> str | None:
    """The back end that plain `iptables` means here; None where there is no iptables."""
    path = find("iptables")
    if path is None:
        return None
    name = os.path.basename(os.path.realpath(path))
    if "legacy" in name or "nft" in name:
        return IPTABLES_LEGACY if "legacy" in name else IPTABLES_NFT
    version = run("iptables", ["iptables", "-V"])
    # Before 1.8 there was only what is now called legacy, and it does not say so.
    return IPTABLES_NFT if "nf_tables" in version else IPTABLES_LEGACY


class Iptables:
    """One back end, as of one look: what it prints is asked for at most once."""

    def __init__(self, backend: str, names: Names) -> None:
        self.backend = backend
        self._names = names
        self._saved: dict[str, text.Tables] = {}

    def is_used(self) -> bool:
        """Whether anybody but weft has IPv4 rules here."""
        return text.is_used(self._tables("iptables"))

    def observe(self) -> Seen:
        signature: list[str] = []
        script = ""
        faults: list[tuple[str, str]] = []
        for family in FAMILIES:
            if not self._has_ours(family):
                continue
            tables = self._tables(family)
            mine = text.ours(tables)
            if mine:
                signature += text.signature(family, mine)
                script += f"# {family}\n{text.script(mine)}"
            faults += self._faults(family, tables)
        return Seen(Ruleset(self.backend, tuple(signature), script) if script else None, tuple(faults))

    def _faults(self, family: str, tables: text.Tables) -> list[tuple[str, str]]:
        found = []
        for name, table in tables.items():
            for chain in sorted(table.foreign_chains()):
                message = "exists and was not made by weft; remove or rename it"
                found.append((f"{family} chain {chain} in table {name}", message))
        return found

    def refusals(self) -> list[Refusal]:
        """What stands before our accept in FORWARD, also where that accept is not in a chain of ours."""
        found = []
        for family in FAMILIES:
            # What there is of IPv4 has been asked for anyway.
            if family == "iptables" or self._has_ours(family):
                found += [_named(family, refusal) for refusal in text.refusals(self._tables(family), _is_our_link)]
        return found

    def _has_tables(self, family: str) -> bool:
        if self.backend == IPTABLES_LEGACY:
            return bool(_legacy_tables(family))
        return any((FAMILIES[family], table) in self._names.tables for table in text.TABLES)

    def _has_ours(self, family: str) -> bool:
        """As far as can be told without running a tool."""
        if self.backend == IPTABLES_LEGACY:
            return bool(_legacy_tables(family))
        number = FAMILIES[family]
        return any(kind == number and chain.startswith(CHAIN_PREFIX) for kind, _table, chain in self._names.chains)

    def _tables(self, family: str) -> text.Tables:
        if not self._has_tables(family):
            return {}
        if family not in self._saved:
            self._saved[family] = text.parse(
                run(f"{family} ({_FLAVOUR[self.backend]})", [self._program(family, "save")])
            )
        return self._saved[family]

    def _program(self, family: str, verb: str) -> str:
        """iptables-nft-save, or plain iptables-save on a host that has only one flavour."""
        full = f"{family}-{_FLAVOUR[self.backend]}-{verb}"
        return full if find(full) or default() != self.backend else f"{family}-{verb}"

    def apply(self, ruleset: Ruleset | None) -> None:
        """Put this in the place of whatever is ours; None removes all of it."""
        self._saved = {}
        parts = _parts(ruleset.script if ruleset else "")
        for family in FAMILIES:
            target = text.parse(parts.get(family, ""))
            if not target and not self._mine_left(family):
                continue
            change = text.transaction(self._tables(family), target)
            if change:
                command = [self._program(family, "restore"), "--noflush", "--wait"]
                run(f"{family} ({_FLAVOUR[self.backend]})", command, change)

    def _mine_left(self, family: str) -> bool:
        try:
            return bool(text.ours(self._tables(family)))
        except KernelError:
            # A host without the tool has nothing that it could have made.
            return False


def _named(family: str, refusal: Refusal) -> Refusal:
    """One that names no prefix at all refuses its own family and not the other."""
    named = refusal._replace(rule=f"{family} rule {refusal.rule}")
    return named._replace(source="::/0") if family == "ip6tables" and named.source is None else named


def _is_our_link(pattern: str) -> bool:
    """Whether an interface that iptables names so (`vxlan0`, `vxkr+`) is one of ours: its group says it."""
    prefix = pattern[:-1] if pattern.endswith("+") else None
    names = [pattern] if prefix is None else [name for name in os.listdir(_LINKS) if name.startswith(prefix)]
    return any(_group(name) == LINK_GROUP for name in names)


def _group(name: str) -> int | None:
    try:
        with open(f"{_LINKS}/{name}/netdev_group", encoding="ascii") as file:
            return int(file.read(), 0)
    except (OSError, ValueError):
        return None


def _legacy_tables(family: str) -> list[str]:
    """Tables of the legacy back end in use in this network namespace, as the kernel lists them."""
    try:
        with open(_LEGACY_TABLES[family], encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def _parts(script: str) -> dict[str, str]:
    """{"iptables": ..., "ip6tables": ...} of a Ruleset's script."""
    parts: dict[str, str] = {}
    family = ""
    for line in script.splitlines(keepends=True):
        if line.startswith("# "):
            family = line[2:].strip()
        parts[family] = parts.get(family, "") + line
    return parts
