# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where clients connect to: a name in the DNS, or an address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .address import UNUSABLE, V4_PATTERN, V6_PATTERN, Address
from .node import shown
from .scalar import MisfitError, Single

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LONGEST = 253


def is_address(host: str) -> bool:
    """Whether a host is given by its address. No top-level domain is a number: what ends in one is meant as IPv4."""
    return ":" in host or host.rpartition(".")[2].isdigit()


@dataclass(frozen=True)
class Hostname(Single[str]):
    """A host name (RFC 1123, section 2.1), in lower case as the DNS compares it, or an address in canonical text."""

    words: str = "a host name or an IP address"

    def parse(self, text: str) -> str:
        if is_address(text):
            return Address(unusable=UNUSABLE).parse(text)
        if text.endswith("."):
            raise MisfitError(f"{shown(text)} ends with a dot; delete it, names are complete here anyway")
        for label in text.split("."):
            if not re.fullmatch(_LABEL, label):
                raise MisfitError(
                    f"{shown(text)} is not {self.words}: {shown(label)} is not made of letters, digits and dashes "
                    "(63 at most, no dash first or last)"
                )
        if len(text) > _LONGEST:
            raise MisfitError(f"{shown(text)} has {len(text)} bytes; a host name has at most {_LONGEST}")
        return text.lower()

    def schema(self) -> dict[str, object]:
        name = rf"{_LABEL}(\.{_LABEL})*"
        return {"type": "string", "pattern": f"^({V4_PATTERN}|{V6_PATTERN}|{name})$", "maxLength": _LONGEST}
