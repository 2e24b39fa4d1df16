# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs inside the virtual machine: each step is a shell line; what it says goes out by the second serial port.

One JSON object a line: name, code, out, err, seconds. A step that hangs has the code null.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import termios
import time
import tty

# On the kernel's command line: the file with the steps of this boot.
STEPS = "lane.steps="
PORT = "/dev/ttyS1"
SECONDS = 120


def main() -> int:
    with open("/proc/cmdline", encoding="utf-8") as file:
        (path,) = (word[len(STEPS) :] for word in file.read().split() if word.startswith(STEPS))
    with open(path, encoding="utf-8") as file:
        steps = json.load(file)
    # Nothing echoes, nothing turns \n into \r\n.
    port = os.open(PORT, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    for name, line in steps:
        record = json.dumps({"name": name, **run(line)})
        os.write(port, f"{record}\n".encode())
    termios.tcdrain(port)
    return 0


def run(line: str) -> dict[str, object]:
    began = time.monotonic()
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said: dict[str, object] = {"code": done.returncode, "out": done.stdout, "err": done.stderr}
    except subprocess.TimeoutExpired:
        said = {"code": None, "out": "", "err": f"no answer within {SECONDS} s"}
    return {**said, "seconds": round(time.monotonic() - began, 2)}


if __name__ == "__main__":
    sys.exit(main())
