# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the back ends share: the comment that marks a rule, and numbers and addresses in the shape rules want them."""

from __future__ import annotations

from zlib import crc32

from ..model.firewall import Firewall
from ..model.marks import RULE_COMMENT


def comment(words: str, place: str, text: str) -> str:
    """The comment of one rule: ``weft <words> #<8 hex digits>``, the digits from where the rule is and what it says.

    A tool prints a rule in its own spelling, and its comment verbatim: so comments tell whether all is in place.
    A checksum is enough for that, and hashlib would take 3 ms to import. nft takes at most 128 bytes of comment,
    iptables 255.
    """
    digest = format(crc32(f"{place} {text}".encode()), "08x")
    return f"{RULE_COMMENT}{words} #{digest}"


Tunnels = tuple[tuple[int, str], ...]


def by_family(firewall: Firewall) -> tuple[Tunnels, Tunnels]:
    """(VNI, remote) of the tunnels over IPv4 and of those over IPv6, each in the order of VNIs."""
    pairs = sorted(zip(firewall.vnis, firewall.remotes))
    return tuple(pair for pair in pairs if ":" not in pair[1]), tuple(pair for pair in pairs if ":" in pair[1])


def ranges(numbers: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(1, 2, 3, 7) -> ((1, 3), (7, 7))."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)
