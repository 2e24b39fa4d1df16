# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The two hooks of an interface, and what both ways have in common by which programs get there (hook_tcx.py,
hook_clsact.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

# Programs by the names of their functions; each has a hook of its own.
INGRESS, EGRESS = "weft_ingress", "weft_egress"
# What an interface has that is policed, whichever it is.
PROGRAMS = (INGRESS, EGRESS)

TCX, CLSACT = "tcx", "clsact"
# What whoever is before ours has to do.
REMEDIES = {
    TCX: "let its owner attach it again, behind weft's",
    CLSACT: "let its owner use the queueing discipline clsact, and filters of a priority after the first",
}


class Attached(NamedTuple):
    """A program at its hook. number: the kernel's; tag: of its instructions, to be compared with those loaded
    (objects.loaded). way: TCX or CLSACT."""

    program: str
    number: int
    tag: str
    way: str


class Found(NamedTuple):
    """ours: in no particular order. before: in words, who else sees packets before ours do, or has their place."""

    ours: tuple[Attached, ...]
    before: tuple[str, ...]


class Hooks(Protocol):
    """way: TCX or CLSACT. subject: for errors; device: the number of the interface. All raise KernelError."""

    way: str

    def put(self, subject: str, device: int, handles: Mapping[str, int]) -> None:
        """Programs (name -> file descriptor) come before those of others. Those that are there of ours under the same
        names are replaced, each in one step: every packet meets the old one or the new one."""

    def look(self, subject: str, device: int) -> Found: ...

    def remove(self, subject: str, device: int, program: str) -> None:
        """No fault, if it is not there."""
