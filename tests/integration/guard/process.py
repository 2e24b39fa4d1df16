# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The guard as a process: process.py PLAN FOLDER SOCKET PID, the last two being Docker's. Says `ready`."""

from __future__ import annotations

import sys

from ansible_collections.weft.overlay.plugins.module_utils.edge.guard.service import Guard
from ansible_collections.weft.overlay.plugins.module_utils.kernel.docker.events import Events

if __name__ == "__main__":
    plan, folder, socket, pid = sys.argv[1:]
    guard = Guard(plan, folder, Events(socket, pid))
    guard.try_to_look()
    print("ready", flush=True)
    guard.run()
