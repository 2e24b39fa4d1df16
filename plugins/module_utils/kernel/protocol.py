# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one door to a host. Everything that converge does to a host goes through these two calls.

The real host (host.py) and the one in memory (memory.py: check mode, and the tests' double) both answer to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..model.change import Change
from ..model.state import Observed


class Kernel(Protocol):
    def observe(self) -> Observed:
        """One look at everything weft owns here, and at what is foreign and could stand in the way."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Carry out the changes in the order given. Raises KernelError at the first that the host refuses;
        what came before it then stays applied (undoing is converge's job)."""
