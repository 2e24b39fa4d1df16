# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Labels, in the syntax that Kubernetes gave them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .collection import Map
from .node import shown
from .scalar import MisfitError, Single

_NAME = "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DOMAIN_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_DOMAIN_LABEL}(\.{_DOMAIN_LABEL})*"
_MADE_OF = "letters, digits, dots, dashes and underscores (63 at most, a letter or digit first and last)"


@dataclass(frozen=True)
class LabelKey(Single[str]):
    """``name`` or ``example.net/name``."""

    words: str = "a label's key"

    def parse(self, text: str) -> str:
        domain, slash, name = text.rpartition("/")
        if slash and not (re.fullmatch(_DOMAIN, domain) and len(domain) <= 253):
            raise MisfitError(
                f"{shown(text)}: {shown(domain)} is not a DNS name in lower case, as example.net/team has"
            )
        if not re.fullmatch(_NAME, name):
            raise MisfitError(f"{shown(text)} is not {self.words}: {shown(name)} is not made of {_MADE_OF}")
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^({_DOMAIN}/)?{_NAME}$"}


@dataclass(frozen=True)
class LabelValue(Single[str]):
    """May be the empty text."""

    words: str = "a label's value"

    def parse(self, text: str) -> str:
        if text and not re.fullmatch(_NAME, text):
            raise MisfitError(f"{shown(text)} is not {self.words}: it is made of {_MADE_OF}")
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^({_NAME})?$"}


LABELS = Map(LabelKey(), LabelValue(), noun="key")
