# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A routing rule (`ip rule`): which table a packet is looked up in. Ours have our protocol number, as routes have."""

from __future__ import annotations

from typing import NamedTuple

LOOKUP = "lookup"
GOTO = "goto"


class Rule(NamedTuple):
    """One of ours.

    family: 4 or 6. priority: the kernel walks from the lowest up; of several of one priority, the oldest first.
    mark, mask: it is for packets with `packet's mark & mask == mark`; mask 0: for all. link: input link, None: any.
    action: LOOKUP in the table `target` (and on to the next rule where that has no route), GOTO the first rule of the
    priority `target`, or UNREACHABLE (see route.py; target 0): answered so.

    All of it is its key but where a goto leads: the kernel does not have two that differ in that alone. When one is
    removed, a mark of 0 and a link of None stand for any: such a rule has a priority of its own.
    """

    family: int
    priority: int
    mark: int
    mask: int
    action: str
    target: int = 0
    link: str | None = None

    def key(self) -> str:
        link = f" iif {self.link}" if self.link else ""
        target = f" {self.target}" if self.action == LOOKUP else ""
        return f"ipv{self.family} {self.priority} fwmark {self.mark:#x}/{self.mask:#x}{link} {self.action}{target}"


class ForeignRule(NamedTuple):
    """One that is not ours. inverted: it is for the packets that it would else not be for.

    narrow: it has more conditions (addresses, links, ports …) than the mark. action: as the kernel calls it, target: of
    lookup and goto.
    """

    family: int
    priority: int
    mark: int
    mask: int
    inverted: bool
    narrow: bool
    action: str
    target: int = 0

    def words(self) -> str:
        """`ipv4 59 not fwmark 0xca6c/0xffffffff lookup 51820`"""
        inverted = " not" if self.inverted else ""
        mark = f" fwmark {self.mark:#x}/{self.mask:#x}" if self.mask else ""
        more = " …" if self.narrow else ""
        target = f" {self.target}" if self.action in (LOOKUP, GOTO) else ""
        return f"ipv{self.family} {self.priority}{inverted}{mark}{more} {self.action}{target}"
