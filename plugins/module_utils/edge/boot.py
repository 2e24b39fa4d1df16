# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft apply`: what the systemd unit runs at boot. The stored plan, the same transaction, no controller."""

from __future__ import annotations

import sys

from ..kernel.lock import exclusive
from ..model.errors import WeftError
from ..model.stored import PLAN_PATH
from .stored_plan import converge_stored, read_plan

USAGE = f"weft apply [PLAN]                         make this host match its stored plan ({PLAN_PATH})\n"


def main(arguments: list[str]) -> int:
    """Exit codes: 0 the host is as planned, 1 it is not (the reason is on stderr), 2 usage."""
    if len(arguments) not in (1, 2) or arguments[0] != "apply":
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    try:
        path = arguments[1] if len(arguments) > 1 else PLAN_PATH
        plan = read_plan(path)
        with exclusive():
            if path == PLAN_PATH:
                # Again: whoever held the lock may have stored another one, or taken weft off this host.
                plan = read_plan(path)
            outcome = converge_stored(plan, "weft apply")
    except WeftError as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    for line in (*outcome.changes, *outcome.notes):
        sys.stdout.write(f"{line}\n")
    return 0
