"""What the demo's rows are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .shell import LabError


class Row(NamedTuple):
    """What is claimed, and how it is looked at: the function returns what was seen, or raises LabError."""

    claim: str
    look: Callable[[], str]


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise LabError(otherwise)
