# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft`, the command that a host keeps: one word says which file of this room answers."""

from __future__ import annotations

import sys

from . import boot, client_command, watch

# Each has USAGE, one line or more, and main(arguments) with the word itself as the first one; it returns the exit code:
# 0 done, 1 failed (the reason is on stderr), 2 called in another way than its USAGE says.
COMMANDS = {"apply": boot, "client": client_command, "watch": watch}


def main(arguments: list[str]) -> int:
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is not None:
        return command.main(arguments)
    lines = [line for each in COMMANDS.values() for line in each.USAGE.splitlines()]
    sys.stderr.write("usage: " + "\n       ".join(lines) + "\n")
    return 2
