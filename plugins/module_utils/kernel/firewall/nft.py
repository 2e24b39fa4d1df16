# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Our own nftables table: read as a Ruleset, swapped in one transaction."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...model.firewall import NFT, Ruleset
from ...model.marks import NFT_TABLE, RULE_COMMENT
from ..programs import run

SUBJECT = f"nftables table inet {NFT_TABLE}"

# Naming the table first makes the removal succeed where it does not exist.
_GONE = f"table inet {NFT_TABLE} {{\n}}\ndelete table inet {NFT_TABLE}\n"
_COMMENT = re.compile(rf'comment "({RULE_COMMENT}[^"]* #[0-9a-f]{{8}})"$')


class Seen(NamedTuple):
    """ruleset: None where the table is not there, or is not ours. faults: (subject, message)."""

    ruleset: Ruleset | None = None
    faults: tuple[tuple[str, str], ...] = ()


def observe() -> Seen:
    """Read the table, which must exist. One that holds rules, yet none with our mark, is not ours."""
    text = run(SUBJECT, ["nft", "-s", "list", "table", "inet", NFT_TABLE])
    lines = signature(text)
    rules = [line for line in lines if " type " not in line]
    if rules and not any(RULE_COMMENT in line and "#" in line for line in rules):
        return Seen(faults=((SUBJECT, "exists and was not made by weft; remove or rename it"),))
    return Seen(Ruleset(NFT, lines, _GONE + text))


def apply(ruleset: Ruleset | None, there: bool) -> None:
    """Put this in the place of whatever the table holds; None removes it. All or nothing (one nft transaction).

    there: whether there is such a table. Where there is none, none is removed: the kernel would wait for that.
    """
    script = _GONE if ruleset is None else ruleset.script
    run(SUBJECT, ["nft", "-f", "-"], script if there else script.removeprefix(_GONE))


def signature(text: str) -> tuple[str, ...]:
    """A line for each hook and rule of a listing or of our own script, in order.

    Of a rule of ours its comment stands for it, which no version of nft spells differently. Anything else counts
    with its whole text, so that it shows as a difference.
    """
    found: list[str] = []
    chain = ""
    for line in (raw.strip() for raw in text.splitlines()):
        if not line or line == "}" or line.startswith(("table ", "delete table ")):
            continue
        if line.startswith("chain "):
            chain = line.split()[1]
            continue
        marked = _COMMENT.search(line)
        found.append(f"{chain} {marked.group(1) if marked else line}")
    return tuple(found)
