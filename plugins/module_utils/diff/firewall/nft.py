# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The policy as our own nftables table.

Sets are anonymous: they belong to their rule, cannot be edited apart from it, and are hashed, so that the cost of a
packet does not grow with the number of remotes, VNIs or clients.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...model.firewall import NFT, Ruleset
from ...model.marks import NFT_TABLE
from .rules import comment

Rules = tuple[tuple[str, str], ...]


class Chain(NamedTuple):
    """name, its `type ... hook ... priority` and policy as nft prints them ("": another chain leads there), and
    (words, rule) in order."""

    name: str
    base: str
    rules: Rules


def ruleset(chains: Iterable[Chain]) -> Ruleset:
    """The table as a Ruleset whose script replaces, in one transaction, whatever the table held before."""
    signature: list[str] = []
    # Naming the table first makes the removal succeed where it does not exist yet.
    lines = [f"table inet {NFT_TABLE} {{", "}", f"delete table inet {NFT_TABLE}", f"table inet {NFT_TABLE} {{"]
    for chain in chains:
        lines.append(f"\tchain {chain.name} {{")
        if chain.base:
            lines.append("\t\t" + chain.base)
            signature.append(f"{chain.name} {chain.base}")
        for words, text in chain.rules:
            note = comment(words, chain.name, text)
            lines.append(f'\t\t{text} comment "{note}"')
            signature.append(f"{chain.name} {note}")
        lines.append("\t}")
    lines.append("}")
    return Ruleset(NFT, tuple(signature), "\n".join(lines) + "\n")


def set_of(items: Iterable[str]) -> str:
    return "{ " + ", ".join(items) + " }"


def names(links: Iterable[str]) -> str:
    """A set of interface names; quoted, as they may have dots and dashes."""
    return set_of(f'"{link}"' for link in links)
