# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Points in time, as Unix time. Reckoned here, without a clock and without time zones of the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .node import shown
from .scalar import MisfitError, Single

_DAY = 86400
_DATE = "(20[0-9]{2})-([0-9]{2})-([0-9]{2})"
_TIME = "([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
_OFFSET = "(Z|[+-]([01][0-9]|2[0-3]):([0-5][0-9]))"
_PATTERN = f"{_DATE}(T{_TIME}{_OFFSET})?"
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)


@dataclass(frozen=True)
class Moment(Single[int]):
    """The end of a day (UTC), or a timestamp with its offset (RFC 3339), of this century."""

    words: str = "a date (2027-01-31) or a time with its offset (2027-01-31T18:00:00+01:00)"

    def parse(self, text: str) -> int:
        found = re.fullmatch(_PATTERN, text, re.ASCII)
        if not found:
            raise MisfitError(f"{shown(text)} is not {self.words}, from 2000 to 2099")
        days = _days(int(found[1]), int(found[2]), int(found[3]))
        if days is None:
            raise MisfitError(f"{shown(text)}: there is no such day")
        if found[4] is None:
            return (days + 1) * _DAY
        seconds = days * _DAY + int(found[5]) * 3600 + int(found[6]) * 60 + int(found[7])
        if found[8] == "Z":
            return seconds
        east = int(found[9]) * 3600 + int(found[10]) * 60
        return seconds - east if found[8].startswith("+") else seconds + east

    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^{_PATTERN}$"}


def _days(year: int, month: int, day: int) -> int | None:
    """Days from 1970-01-01 to a day from 2000 to 2099, a time in which every fourth year is a leap year."""
    leap = year % 4 == 0
    if not 1 <= month <= 12:
        return None
    length = _DAYS_BEFORE[month] - _DAYS_BEFORE[month - 1] + (leap and month == 2)
    if not 1 <= day <= length:
        return None
    # 10957: 2000-01-01. The leap days before this year, 2000's own among them.
    before = (year - 2000) * 365 + (year - 2000 + 3) // 4
    return 10957 + before + _DAYS_BEFORE[month - 1] + (leap and month > 2) + day - 1
