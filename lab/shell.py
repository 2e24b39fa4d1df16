"""Run commands; one error type for everything the lab refuses or fails at."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence


class LabError(Exception):
    """What went wrong and what would be right, in words for the person at the terminal."""


def run(
    argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run one command and return it finished, output captured. Raises LabError with its stderr if it fails."""
    try:
        done = subprocess.run(argv, input=stdin, text=True, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError as exc:
        raise LabError(f"{argv[0]} is not installed: run lab/prerequisites.sh") from exc
    except subprocess.TimeoutExpired as exc:
        raise LabError(f"{' '.join(argv)}: no answer within {timeout} s") from exc
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(argv)} failed ({done.returncode}): {done.stderr.strip() or done.stdout.strip()}")
    return done


def succeeds(argv: Sequence[str]) -> bool:
    return run(argv, check=False).returncode == 0


def say(text: str) -> None:
    """One progress line, seen at once."""
    print(text, flush=True)


def wait_until(what: str, ready: Callable[[], bool], timeout: float, pause: float = 0.1) -> None:
    """Call ready() until it is true. Raises LabError naming `what` when it never is."""
    end = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > end:
            raise LabError(f"waited {timeout:.0f} s for {what}")
        time.sleep(pause)


def need_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and mounts: run it as root")
    if sys.platform != "linux":
        raise LabError("the lab needs Linux")
