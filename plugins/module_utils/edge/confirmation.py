# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft confirm`: what makes a change last."""

from __future__ import annotations

import sys

from ..converge import confirmed
from ..kernel import pending
from ..kernel.lock import exclusive
from ..model.errors import KernelError, WeftError
from .operator import operator

USAGE = "weft confirm                              the change that waits for it lasts: say so from a new login\n"


def main(arguments: list[str]) -> int:
    """Exit codes: 0 done, 1 failed (the reason is on stderr), 2 usage."""
    if arguments != ["confirm"]:
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    try:
        with exclusive(who=operator().name):
            waiting = pending.read()
            if waiting is None:
                raise KernelError("confirm", "no change waits for its confirmation here")
            confirmed.confirm(waiting.number)
    except WeftError as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    sys.stdout.write(f"change {waiting.number} is confirmed\n")
    return 0
