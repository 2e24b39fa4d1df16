# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What ping (iputils) says: the round-trip time of each packet."""

from __future__ import annotations

import re

_ANSWER = re.compile(r"icmp_seq=(\d+) .*time=([0-9.]+) ms(?! \(DUP!\))")


def round_trips(text: str, count: int) -> list[float | None]:
    """Milliseconds of each of `count` packets in the order sent; None: not answered."""
    found = {int(number): float(time) for number, time in _ANSWER.findall(text)}
    return [found.get(number) for number in range(1, count + 1)]
