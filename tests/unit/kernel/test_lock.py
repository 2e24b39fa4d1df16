# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The host's lock: one at a time, freed by whatever ends its holder, and it says who holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.lock import exclusive
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError

HOLD = """
import fcntl, os, sys, time
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(handle, fcntl.LOCK_EX)
os.pwrite(handle, b"process 4711 since yesterday", 0)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    path = str(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield path, process
        process.kill()


@pytest.mark.fault("F27")
def test_a_second_one_waits_a_while_and_then_says_who_holds_it(holder):
    path, _process = holder
    with pytest.raises(KernelError, match=r"process 4711 since yesterday"), exclusive(0.1, path):
        pass


def test_a_killed_holder_holds_nothing(holder):
    path, process = holder
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with exclusive(5, path), open(path, encoding="utf-8") as stream:
        assert stream.read().startswith(f"this host itself, process {os.getpid()}, since ")


def test_it_is_free_again_afterwards_also_after_an_error(tmp_path):
    path = str(tmp_path / "run" / "lock")
    with pytest.raises(ZeroDivisionError), exclusive(0, path):
        raise ZeroDivisionError
    with exclusive(0, path):
        pass
