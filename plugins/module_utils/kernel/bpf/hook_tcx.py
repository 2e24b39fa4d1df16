# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs in the rows that a device has at its hooks (TCX). They come before clsact, and cost less: a packet meets the
program at once, without a queueing discipline, a chain and a filter before it.

A device holds its programs itself, as a filter would: see tcx.py. Ours are known by their names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...model.errors import KernelError
from . import calls, tcx
from .hooks import EGRESS, INGRESS, TCX, Attached, Found

_HOOKS = {INGRESS: tcx.INGRESS, EGRESS: tcx.EGRESS}
# It takes two, and one more for each of several that somebody put there.
_TURNS = 100


class Tcx:
    """A short look, or a few steps: what a program is, is asked once."""

    way = TCX

    def __init__(self) -> None:
        self._known: dict[int, calls.ProgramInfo | None] = {}

    def put(self, subject: str, device: int, handles: Mapping[str, int]) -> None:
        for program, handle in handles.items():
            self._put(subject, device, program, handle)

    def look(self, subject: str, device: int) -> Found:
        found: list[Attached] = []
        before: list[str] = []
        for program, hook in _HOOKS.items():
            row = [info for info in map(self._info, tcx.row(subject, device, hook)) if info is not None]
            ours = [place for place, info in enumerate(row) if info.name == program]
            found += [Attached(program, row[place].number, row[place].tag, TCX) for place in ours]
            before += [f"TCX program {info.name or info.number}" for info in row[: min(ours, default=0)]]
        return Found(tuple(found), tuple(before))

    def remove(self, subject: str, device: int, program: str) -> None:
        for number in self._ours(subject, device, program):
            self._take_out(subject, device, _HOOKS[program], number)

    def _put(self, subject: str, device: int, program: str, handle: int) -> None:
        """Step by step, each after another look: a run and the guard may both be at work on a port."""
        hook, number = _HOOKS[program], calls.program_info(handle).number
        for _turn in range(_TURNS):
            ours = self._ours(subject, device, program)
            others = [other for other in ours if other != number]
            if number not in ours and not others:
                tcx.put(subject, device, hook, handle)
            elif number not in ours:
                self._replace(subject, device, hook, handle, others[0])
            elif others:
                self._take_out(subject, device, hook, others[0])
            else:
                return
        reason = f"somebody else changes the programs of its {program} hook all the time; end whatever does that"
        raise KernelError(subject, reason)

    def _ours(self, subject: str, device: int, program: str) -> list[int]:
        numbers = tcx.row(subject, device, _HOOKS[program])
        return [found.number for found in map(self._info, numbers) if found is not None and found.name == program]

    def _info(self, number: int) -> calls.ProgramInfo | None:
        """None: it is gone."""
        if number not in self._known:
            handle = calls.program_by_number(number)
            try:
                self._known[number] = None if handle is None else calls.program_info(handle)
            finally:
                if handle is not None:
                    os.close(handle)
        return self._known[number]

    def _replace(self, subject: str, device: int, hook: int, handle: int, number: int) -> None:
        before = calls.program_by_number(number)
        if before is not None:
            try:
                tcx.replace(subject, device, hook, handle, before)
            finally:
                os.close(before)

    def _take_out(self, subject: str, device: int, hook: int, number: int) -> None:
        handle = calls.program_by_number(number)
        if handle is not None:
            try:
                tcx.remove(subject, device, hook, handle)
            finally:
                os.close(handle)
