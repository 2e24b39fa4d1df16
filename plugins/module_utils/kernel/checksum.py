# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A text that knows whether it is whole: its last line, a comment, is a checksum of all before it."""

from __future__ import annotations

import hashlib

_MARK = "# sha256 = "


def add(text: str) -> str:
    return f"{text}{_MARK}{hashlib.sha256(text.encode()).hexdigest()}\n"


def strip(text: str) -> str | None:
    """What is before the checksum; None where it is not the checksum of that."""
    body, mark, end = text.rpartition(_MARK)
    if not mark or hashlib.sha256(body.encode(errors="replace")).hexdigest() + "\n" != end:
        return None
    return body
