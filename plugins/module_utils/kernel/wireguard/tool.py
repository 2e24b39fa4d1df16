# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""wg(8), which quotes the keys that it does not like: what it says is told without them."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

from ...model.errors import KernelError
from ..programs import run

# Of a value that it refuses, and whatever else is as long as a key.
_QUOTED = re.compile(r"`[^']*'")
_LONG = re.compile(r"[A-Za-z0-9+/]{40,}=*")


def wg(subject: str, *arguments: str, text: str = "") -> str:
    """What `wg ARGUMENTS` prints. text: for its standard input. Raises KernelError about ``subject``.

    Keys may be in the text and in the answer, never in the arguments: everybody can read those.
    """
    try:
        return run(subject, ["wg", *arguments], text)
    except KernelError as error:
        # Without its cause: an error of a program keeps what the program had printed.
        raise KernelError(error.subject, harmless(error.reason)) from None


def harmless(words: str) -> str:
    """The words of a program without anything in them that could be a key."""
    return _LONG.sub("…", _QUOTED.sub("`…'", words))


def is_key(text: str) -> bool:
    """Whether this is a key as wg(8) writes it: 32 bytes in base64."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return False
    return len(raw) == 32 and b64encode(raw).decode() == text
