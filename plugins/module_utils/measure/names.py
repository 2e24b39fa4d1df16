# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names in the order in which people count: wg2 before wg10."""

from __future__ import annotations

import re


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key for sorted()."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((int(part), part) if part.isascii() and part.isdigit() else (-1, part) for part in parts)
