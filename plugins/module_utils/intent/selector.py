# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Selectors of labels, in the words of Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

IN = "In"
NOT_IN = "NotIn"
EXISTS = "Exists"
DOES_NOT_EXIST = "DoesNotExist"


class Expression(NamedTuple):
    """operator: IN, NOT_IN (both with values), EXISTS or DOES_NOT_EXIST (both without).

    NOT_IN also holds where the key is missing.
    """

    key: str
    operator: str
    values: tuple[str, ...]


class Selector(NamedTuple):
    """All of it holds at once; where it says nothing, it selects everything."""

    labels: Mapping[str, str]
    expressions: tuple[Expression, ...]
