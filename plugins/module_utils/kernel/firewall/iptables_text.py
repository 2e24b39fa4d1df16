# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""iptables-save text: which of it is ours, what it says, and the input of iptables-restore that changes it.

No input or output here, only text. iptables.py runs the tools.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ...model.firewall import Refusal
from ...model.marks import CHAIN_PREFIX, RULE_COMMENT

# Guards first, so that nothing is accepted that no guard has seen; removal goes the other way round.
TABLES = ("raw", "mangle", "filter", "nat")

_COMMENT = re.compile(rf'--comment "({RULE_COMMENT}[^"]* #[0-9a-f]{{8}})"')
_INTERFACE = re.compile(r"(! )?-[io] (\S+) ")
_REMARK = re.compile(r'-m comment --comment ("[^"]*"|\S+) ')
_PREFIX = re.compile(r"(?<!! )-([sd]) (\S+) ")
_REFUSAL = re.compile(r"-j (DROP|REJECT)( --reject-with \S+)?$")


class Rule(NamedTuple):
    """how: `-A`, or `-I` for a hook that goes first. text: match and target, as printed."""

    how: str
    chain: str
    text: str

    @property
    def mark(self) -> str | None:
        """Our comment, None on a foreign rule."""
        found = _COMMENT.search(self.text)
        return found.group(1) if found else None

    @property
    def inside(self) -> bool:
        """In a chain that bears our prefix."""
        return self.chain.startswith(CHAIN_PREFIX)

    @property
    def is_hook(self) -> bool:
        """The one call of a chain of ours. A direct rule of firewalld bears our comment too, and is none."""
        return not self.inside and self.mark is not None and f"-j {CHAIN_PREFIX}" in self.text


class Table(NamedTuple):
    """chains: name -> policy, `-` for one that is not built in."""

    chains: dict[str, str]
    rules: list[Rule]

    def ours(self) -> Table:
        """Our chains and hooks; a chain with our prefix that has rules, but none marked as ours, is not."""
        foreign = self.foreign_chains()
        chains = {name: policy for name, policy in self.chains.items() if name.startswith(CHAIN_PREFIX)}
        rules = [rule for rule in self.rules if rule.is_hook or (rule.inside and rule.chain not in foreign)]
        return Table({name: policy for name, policy in chains.items() if name not in foreign}, rules)

    def foreign_chains(self) -> set[str]:
        marked = {rule.chain for rule in self.rules if rule.mark is not None}
        return {rule.chain for rule in self.rules if rule.inside} - marked


Tables = dict[str, Table]


def parse(text: str) -> Tables:
    """What iptables-save printed, or one family's part of a Ruleset's script."""
    tables: Tables = {}
    table = Table({}, [])
    for line in text.splitlines():
        if line.startswith("*"):
            table = tables.setdefault(line[1:].strip(), Table({}, []))
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            table.chains[name] = policy
        elif line.startswith(("-A ", "-I ")):
            how, chain, rule = line.split(" ", 2)
            table.rules.append(Rule(how, chain, rule))
    return tables


def ours(tables: Tables) -> Tables:
    """The part of it that is weft's."""
    mine = {name: table.ours() for name, table in tables.items()}
    return {name: table for name, table in mine.items() if table.chains or table.rules}


def is_used(tables: Tables) -> bool:
    """Whether anybody but weft filters here: a rule that is not ours, or a policy that is not ACCEPT."""
    return any(policy not in ("ACCEPT", "-") for table in tables.values() for policy in table.chains.values()) or any(
        rule.mark is None for table in tables.values() for rule in table.rules
    )


def signature(family: str, mine: Tables) -> list[str]:
    """A line for each hook and rule: tables in order, hooks first, by chain. Order counts within a chain of ours; where
    hooks stand among each other in a built-in one is chance, as others come between them."""
    lines = []
    for name in sorted(mine, key=_rank):
        rules = sorted(mine[name].rules, key=lambda rule: (rule.inside, rule.chain, "" if rule.inside else rule.mark))
        lines += [f"{family} {name} {rule.chain} {rule.mark or rule.text}" for rule in rules]
    return lines


def script(mine: Tables) -> str:
    """What brings these chains about when given to transaction() as its target."""
    lines = []
    for name in sorted(mine, key=_rank):
        hook = "-A" if name == "nat" else "-I"
        lines += ["*" + name, *(f":{chain} - [0:0]" for chain in sorted(mine[name].chains))]
        lines += [f"{'-A' if rule.inside else hook} {rule.chain} {rule.text}" for rule in mine[name].rules]
        lines.append("COMMIT")
    return "".join(line + "\n" for line in lines)


def transaction(now: Tables, target: Tables) -> str:
    """Input of `iptables-restore --noflush` that turns our part of ``now`` into ``target``; "" where nothing differs.

    A table whose part is as it should be is not written. A hook that is there once stays where it is: Docker puts
    its own jumps above it when it starts, which does no harm, and foreign rules keep their places.
    """
    mine = ours(now)
    empty = Table({}, [])
    lines: list[str] = []
    for name in sorted({*mine, *target}, key=_rank, reverse=not target):
        before, after = mine.get(name, empty), target.get(name, empty)
        if signature("", {name: before}) != signature("", {name: after}) or set(before.chains) != set(after.chains):
            lines += ["*" + name, *_table(before, after, now.get(name, empty)), "COMMIT"]
    return "".join(line + "\n" for line in lines)


def _table(before: Table, after: Table, whole: Table) -> list[str]:
    # Declaring a chain also empties it.
    lines = [f":{chain} - [0:0]" for chain in sorted({*before.chains, *after.chains})]
    there = [(rule.chain, rule.mark) for rule in before.rules if rule.is_hook]
    wanted = {(rule.chain, rule.mark) for rule in after.rules if rule.is_hook}
    kept = {hook for hook in wanted if there.count(hook) == 1}
    lines += [
        f"-D {rule.chain} {rule.text}" for rule in before.rules if rule.is_hook and (rule.chain, rule.mark) not in kept
    ]
    staying = [rule for rule in whole.rules if not rule.is_hook or (rule.chain, rule.mark) in kept]
    for rule in after.rules:
        if rule.is_hook and (rule.chain, rule.mark) not in kept:
            place = f" {_first(staying, rule.chain)}" if rule.how == "-I" else ""
            lines.append(f"{rule.how} {rule.chain}{place} {rule.text}")
    lines += [f"-A {rule.chain} {rule.text}" for rule in after.rules if rule.inside]
    return lines + [f"-X {chain}" for chain in sorted(set(before.chains) - set(after.chains))]


def _first(staying: list[Rule], chain: str) -> int:
    """The first place, or the one after Docker's jump to DOCKER-USER: what the operator forbids there stays so."""
    rules = [rule for rule in staying if rule.chain == chain]
    users = [at for at, rule in enumerate(rules) if rule.text.endswith("-j DOCKER-USER")]
    return users[0] + 2 if users else 1


def refusals(now: Tables, is_ours: Callable[[str], bool]) -> list[Refusal]:
    """Foreign rules that refuse what we forward, or all of one of our interfaces, before our own accept is reached.

    Rules about a protocol, a port or a connection state are an operator's policy and no obstacle; whether a prefix is
    one, only the plan can say.
    """
    rules = [rule for rule in now.get("filter", Table({}, [])).rules if rule.chain == "FORWARD"]
    accepts = [at for at, rule in enumerate(rules) if rule.mark is not None or _is_dockers(rule.text, is_ours)]
    found = [_refusal(rule.text, is_ours) for rule in rules[: accepts[0]]] if accepts else []
    return [refusal for refusal in found if refusal is not None]


def _is_dockers(text: str, is_ours: Callable[[str], bool]) -> bool:
    """Docker's own accept for the bridge of its network, which is what a runner with firewalld relies on."""
    names = [name for negated, name in _INTERFACE.findall(text) if not negated and is_ours(name)]
    return len(names) == 2 and text.endswith("-j ACCEPT")


def _refusal(text: str, is_ours: Callable[[str], bool]) -> Refusal | None:
    if any(not negated and not is_ours(name) for negated, name in _INTERFACE.findall(text)):
        return None
    rest = _REMARK.sub("", _INTERFACE.sub("", text))
    prefixes = dict(_PREFIX.findall(rest))
    if not _REFUSAL.match(_PREFIX.sub("", rest)):
        return None
    return Refusal(f"-A FORWARD {text}", prefixes.get("s"), prefixes.get("d"))


def _rank(table: str) -> tuple[int, str]:
    return (TABLES.index(table) if table in TABLES else len(TABLES), table)
