# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft`, the command that a host keeps: one word says which file of this room answers.

Each of them has USAGE, a line or more, and main(arguments) with the word itself as the first one; it returns the exit
code: 0 done, 1 failed (the reason is on stderr), 2 called in another way than its USAGE says. Only the one that answers
is imported: at boot every millisecond counts before Docker may start.
"""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    word = arguments[0] if arguments else ""
    if word == "apply":
        from .boot import main as answer
    elif word == "audit":
        from .audit import main as answer
    elif word == "client":
        from .client_command import main as answer
    elif word == "collect":
        from .collect import main as answer
    elif word == "denials":
        from .denials import main as answer
    elif word == "guard":
        from .guard import main as answer
    elif word == "send":
        from .send import main as answer
    elif word == "status":
        from .status import main as answer
    elif word == "watch":
        from .watch import main as answer
    else:
        return _usage()
    return answer(arguments)


def _usage() -> int:
    from . import audit, boot, client_command, collect, denials, guard, send, status, watch

    doors = (boot, status, client_command, denials, watch, audit, guard, send, collect)
    lines = [line for each in doors for line in each.USAGE.splitlines()]
    sys.stderr.write("usage: " + "\n       ".join(lines) + "\n")
    return 2
