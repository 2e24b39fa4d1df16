# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The policy as iptables chains of our own, for the nft and the legacy back end alike.

Guards sit where nobody else's ACCEPT comes first (raw and mangle); accepts sit in filter, where Docker and others set
the policy to DROP. Tables are written guards first: at no moment is something accepted that no guard has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from ...model.firewall import Ruleset
from .rules import comment

PAGE = 16
# Two pages of sixteen are what a list of this length would cost.
_LONGEST = 32
_BITS = 4

FIRST, LAST = "-I", "-A"


class Rule(NamedTuple):
    """words for the reader, match and target as iptables takes them (`-s 10.0.0.0/8`, `-j DROP`)."""

    words: str
    match: str
    target: str


class Chain(NamedTuple):
    """hook: the built-in chain that it is called from, None for one that another chain leads to; how: FIRST or LAST
    there; when: the match of that call, "" for every packet."""

    table: str
    name: str
    rules: tuple[Rule, ...]
    hook: str | None = None
    how: str = FIRST
    when: str = ""


def ruleset(families: Mapping[str, Iterable[Chain]], backend: str) -> Ruleset:
    """The chains of iptables and of ip6tables as a Ruleset. Its script is input of iptables-restore, then of
    ip6tables-restore, each part below its heading; ``-I`` of a hook says where it goes when it is missing, not that
    it is inserted a second time."""
    signature: list[str] = []
    script: list[str] = []
    for family, chains in families.items():
        script.append("# " + family)
        for table in ("raw", "mangle", "filter", "nat"):
            mine = sorted((chain for chain in chains if chain.table == table), key=lambda chain: chain.name)
            if mine:
                hooks, rules = _hooks(mine), _rules(mine)
                script += ["*" + table, *(f":{chain.name} - [0:0]" for chain in mine)]
                script += [line for _mark, line in hooks + rules] + ["COMMIT"]
                signature += [f"{family} {table} {mark}" for mark, _line in hooks + rules]
    return Ruleset(backend, tuple(signature), "\n".join(script) + "\n")


def _hooks(chains: list[Chain]) -> list[tuple[str, str]]:
    """In an order that does not depend on where they stand in their built-in chain, where others come between."""
    return sorted(
        _line(chain.how, chain.hook, Rule("way in", chain.when, "-j " + chain.name)) for chain in chains if chain.hook
    )


def _rules(chains: list[Chain]) -> list[tuple[str, str]]:
    return [_line("-A", chain.name, rule) for chain in chains for rule in chain.rules]


def _line(how: str, chain: str, rule: Rule) -> tuple[str, str]:
    note = comment(rule.words, chain, f"{rule.match} {rule.target}")
    match = rule.match + " " if rule.match else ""
    return f"{chain} {note}", f'{how} {chain} {match}-m comment --comment "{note}" {rule.target}'


class Book(NamedTuple):
    """A list of rules by source address that is looked up by pages, so that a packet is not compared with all of it.

    table: where. ipv6: whose addresses they are. words: of the rules that lead to a page. name: of the chain that is
    reached by these values of bits, () is the first. deepest: how often pages may have pages, as far as names are
    short enough. last: rules at the end of each page.
    """

    table: str
    ipv6: bool
    words: str
    name: Callable[[tuple[int, ...]], str]
    deepest: int
    last: tuple[Rule, ...]


def pages(book: Book, known: list[tuple[str, Rule]]) -> tuple[Chain, ...]:
    """Chains for (address, rule): a short list one by one, a longer one in pages chosen by the last four bits that
    tell them apart, and these again: a thousand addresses in a row cost at most 16 + 16 + 4 comparisons.

    Reached by goto: RETURN leads back to where the first chain was called from.
    """
    return _page(book, [(int(ip_address(address)), rule) for address, rule in known], ())


def _page(book: Book, known: list[tuple[int, Rule]], path: tuple[int, ...]) -> tuple[Chain, ...]:
    shift = _telling_bits([address for address, _rule in known])
    if len(known) <= _LONGEST or len(path) == book.deepest or shift is None:
        return (Chain(book.table, book.name(path), (*(rule for _address, rule in known), *book.last)),)
    found: dict[int, list[tuple[int, Rule]]] = {}
    for address, rule in known:
        found.setdefault((address >> shift) % PAGE, []).append((address, rule))
    index = tuple(
        Rule(book.words, f"-s {_bits(value, shift, book.ipv6)}", f"-g {book.name((*path, value))}")
        for value in sorted(found)
    )
    below = (chain for value in sorted(found) for chain in _page(book, found[value], (*path, value)))
    return (Chain(book.table, book.name(path), (*index, *book.last)), *below)


def _telling_bits(addresses: list[int]) -> int | None:
    """How far from the end the last four bits are that are not the same in all of them; None: they are all the same."""
    differing = 0
    for address in addresses:
        differing |= address ^ addresses[0]
    lowest = (differing & -differing).bit_length() - 1
    return lowest - lowest % _BITS if differing else None


def _bits(value: int, shift: int, ipv6: bool) -> str:
    """An address and a mask of those four bits alone: `0.0.0.5/0.0.0.15`, `::5/::f`."""
    return "/".join(_spelled(number << shift, ipv6) for number in (value, PAGE - 1))


def _spelled(number: int, ipv6: bool) -> str:
    if not ipv6:
        return ".".join(str(number >> bits & 0xFF) for bits in (24, 16, 8, 0))
    return f"::{number:x}" if number <= 0xFFFF else str(IPv6Address(number))
