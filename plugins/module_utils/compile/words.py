# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Wording that several faults share."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 5


def some(names: Iterable[str]) -> str:
    """All names where they are few, otherwise the first ones and how many more there are."""
    found = list(names)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN + 1 else ""
    return ", ".join(found[:_SHOWN] if more else found) + more
