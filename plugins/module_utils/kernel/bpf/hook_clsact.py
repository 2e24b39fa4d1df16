# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs as filters of the queueing discipline clsact, which every kernel has.

The filters hold their programs themselves: those run whether or not anybody's pins are still there.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model.errors import KernelError
from ..netlink import filters
from ..netlink.channel import Channel
from .hooks import CLSACT, EGRESS, INGRESS, Attached, Found

# A filter has its program's name.
_HOOKS = {INGRESS: filters.INGRESS, EGRESS: filters.EGRESS}


class Clsact:
    """A short look, or a few steps: what disciplines there are is asked once."""

    way = CLSACT

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._kinds: dict[int, str] | None = None

    def put(self, subject: str, device: int, handles: Mapping[str, int]) -> None:
        self._make(subject, device)
        for program, handle in handles.items():
            self._refuse_foreign(subject, device, _HOOKS[program])
            self._channel.carry_out([filters.put(subject, device, _HOOKS[program], program, handle)])

    def look(self, subject: str, device: int) -> Found:
        if self._kinds is None:
            self._kinds = self._disciplines("queueing disciplines", 0)
        kind = self._kinds.get(device, "")
        if kind != filters.CLSACT:
            return Found((), (f"queueing discipline {kind}",) if kind else ())
        ours: list[Attached] = []
        before: list[str] = []
        for hook in _HOOKS.values():
            for seen in self._filters(subject, device, hook):
                if _is_ours(seen):
                    ours.append(Attached(seen.name, seen.program, seen.tag, CLSACT))
                elif seen.priority <= filters.PRIORITY:
                    before.append(f"{seen.kind} {seen.name}".strip())
        return Found(tuple(ours), tuple(before))

    def ours(self, subject: str, device: int) -> bool:
        """Whether anything of ours is there."""
        return any(_is_ours(seen) for hook in _HOOKS.values() for seen in self._filters(subject, device, hook))

    def remove(self, subject: str, device: int, program: str) -> None:
        if any(map(_is_ours, self._filters(subject, device, _HOOKS[program]))):
            self._channel.carry_out([filters.remove(subject, device, _HOOKS[program])])

    def unmake(self, subject: str, device: int) -> None:
        """clsact goes with the last filter in it. The kernel stops the link for a moment for it, as for adding it."""
        if not any(self._filters(subject, device, hook) for hook in _HOOKS.values()):
            self._channel.carry_out([filters.remove_clsact(subject, device)])

    def _make(self, subject: str, device: int) -> None:
        """There is one place for clsact and its older brother `ingress`, whose filters are all of ingress."""
        kind = self._disciplines(subject, device).get(device, filters.CLSACT)
        if kind != filters.CLSACT:
            words = f"it has the queueing discipline {kind}, where weft needs {filters.CLSACT}"
            reason = f"{words}; let its owner use {filters.CLSACT}, which has the same hook and one more"
            raise KernelError(subject, reason)
        self._channel.carry_out([filters.add_clsact(subject, device)])

    def _disciplines(self, subject: str, device: int) -> dict[int, str]:
        """Of links with hooks, the kind that has them."""
        replies = self._channel.dump(subject, filters.RTM_GETQDISC, filters.ask_disciplines(device))
        return {found: kind for found, kind in map(filters.discipline, replies) if kind}

    def _filters(self, subject: str, device: int, hook: int) -> list[filters.Seen]:
        replies = self._channel.dump(subject, filters.RTM_GETTFILTER, filters.ask(device, hook))
        # What does not say its parent's number is of another place.
        seen = [filters.read(reply) for reply in replies]
        return [found for found in seen if found.device == device and found.hook == hook and found.handle]

    def _refuse_foreign(self, subject: str, device: int, hook: int) -> None:
        for seen in self._filters(subject, device, hook):
            if seen.in_our_place() and not _is_ours(seen):
                words = f"a filter of somebody else ({seen.kind} {seen.name}) is where weft's has to be, at priority 1"
                raise KernelError(subject, f"{words}; move it to a later priority, or remove it")


def _is_ours(seen: filters.Seen) -> bool:
    return seen.in_our_place() and _HOOKS.get(seen.name) == seen.hook
