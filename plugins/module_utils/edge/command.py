# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft`, the command that a host keeps: one word says which file of this room answers.

Each of them has USAGE, a line or more, and main(arguments) with the word itself as the first one; it returns the exit
code: 0 done, 1 failed (the reason is on stderr), 2 called in another way than its USAGE says. Only the one that answers
is imported: at boot every millisecond counts before Docker may start.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

Answer = Callable[["list[str]"], int]


def main(arguments: list[str]) -> int:
    word = arguments[0] if arguments else ""
    answer = _for_people(word) or _for_systemd(word)
    return answer(arguments) if answer else _usage()


def _for_people(word: str) -> Answer | None:
    if word == "client":
        from .client_command import main as answer
    elif word == "confirm":
        from .confirmation import main as answer
    elif word == "denials":
        from .denials.shown import main as answer
    elif word == "history":
        from .history import main as answer
    elif word == "rollback":
        from .rollback import main as answer
    elif word == "status":
        from .status.command import main as answer
    else:
        return None
    return answer


def _for_systemd(word: str) -> Answer | None:
    if word == "apply":
        from .boot import main as answer
    elif word == "audit":
        from .denials.audit import main as answer
    elif word == "collect":
        from .denials.collect import main as answer
    elif word == "guard":
        from .guard.service import main as answer
    elif word == "send":
        from .denials.send import main as answer
    elif word == "watch":
        from .watch import main as answer
    else:
        return None
    return answer


def _usage() -> int:
    from . import boot, client_command, confirmation, history, rollback, watch
    from .denials import audit, collect, send
    from .denials import shown as denials
    from .guard import service as guard
    from .status import command as status

    people = (boot, status, history, rollback, confirmation, client_command, denials)
    doors = (*people, watch, audit, guard, send, collect)
    lines = [line for each in doors for line in each.USAGE.splitlines()]
    sys.stderr.write("usage: " + "\n       ".join(lines) + "\n")
    return 2
