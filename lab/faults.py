"""What goes wrong on a host in the middle of a change: armed before the run, it strikes by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from . import machine
from .paths import TREE
from .shell import LabError, wait_until

PENDING = "/var/lib/weft/pending.json"
APPLYING, APPLIED = "applying", "applied"
# ssh is cut off for everybody, by a table that is not ours; and it ends.
CUT = "nft add table inet cut; nft 'add chain inet cut in { type filter hook input priority -200; }'; "
CUT += "nft add rule inet cut in tcp dport 22 drop"
MEND = "nft delete table inet cut"
# A disk of its own for what a host remembers, with little room; and that it gets full, and is what it was again.
SMALL = "cp -a /var/lib/weft /root/kept && mount -t tmpfs -o size=1m,mode=700 none /var/lib/weft && "
SMALL += "cp -a /root/kept/. /var/lib/weft/"
FILL = "dd if=/dev/zero of=/var/lib/weft/taken bs=4k 2>&1 | grep -q 'No space left on device'"
ROOM = "rm /var/lib/weft/taken"
LARGE = "rm -rf /root/kept && cp -a /var/lib/weft /root/kept && umount /var/lib/weft && "
LARGE += "rm -rf /var/lib/weft && mv /root/kept /var/lib/weft"
# The process that has the host's lock is the one that changes it.
_HOLDER = "$(sed -n 's/.*process \\([0-9]*\\),.*/\\1/p' /run/weft/lock)"
KILL, STOP, GO_ON = (f"kill -{signal} {_HOLDER}" for signal in ("KILL", "STOP", "CONT"))


@contextmanager
def when(name: str, stage: str, *commands: str) -> Iterator[subprocess.Popen[str]]:
    """Run commands in a host as soon as a change there is at a stage. Raises LabError if that did not come."""
    script = f'until grep -qs \'"stage": "{stage}"\' {PENDING}; do sleep 0.005; done; {"; ".join(commands)}'
    argv = machine.exec_argv(name, ["timeout", "60", "sh", "-c", script])
    with subprocess.Popen(argv, env=machine.exec_env(), text=True) as waiting:
        try:
            yield waiting
            if waiting.wait() != 0:
                raise LabError(f"{name}: no change was {stage}, or what was to happen then did not")
        finally:
            waiting.kill()


@contextmanager
def site(inventory: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run of site.yml in the background; what is left of it at the end is killed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
    environment.update(LC_ALL="C.UTF-8", ANSIBLE_NOCOLOR="1")
    program = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
    argv = [program, "playbooks/site.yml", "-i", inventory, *options]
    kept = subprocess.PIPE
    with subprocess.Popen(argv, cwd=TREE, env=environment, text=True, stdout=kept, stderr=subprocess.STDOUT) as run:
        try:
            yield run
        finally:
            kill(run)


@contextmanager
def killed(inventory: str, name: str, seconds: int, *commands: str) -> Iterator[None]:
    """A run of one host by anna@… that is killed when its change is done and not confirmed; meanwhile, commands happen
    on the host. seconds: until it is rolled back."""
    options = ("-e", f"weft_confirm_seconds={seconds} awx_user_name=anna", "--limit", name)
    with when(name, APPLIED, *commands), site(inventory, *options) as run:
        until_stage(name, APPLIED)
        kill(run)
        yield


def kill(run: subprocess.Popen[str]) -> None:
    """All of its processes, without a word. Ansible's workers are in sessions of their own."""
    for number in [*_descendants(run.pid), run.pid]:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    run.wait()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        for child in map(int, children.read().split()):
            found += [*_descendants(child), child]
    return found


def until_stage(name: str, stage: str) -> dict[str, Any]:
    """Wait until a change of the host is there; what it says of itself."""
    wait_until(f"a change of {name} to be {stage}", lambda: (pending(name) or {}).get("stage") == stage, 60, 0.01)
    found = pending(name)
    if found is None:
        raise LabError(f"{name}: its change was {stage}, and gone at once")
    return found


def pending(name: str) -> dict[str, Any] | None:
    text = machine.execute(name, "cat", PENDING).stdout
    return json.loads(text) if text else None


def until_decided(name: str, seconds: float) -> None:
    """Wait until nothing is pending on the host."""
    wait_until(f"the change of {name} to be confirmed or rolled back", lambda: pending(name) is None, seconds)


def history(name: str) -> list[dict[str, Any]]:
    """The host's journal, the latest first."""
    done = machine.execute(name, "weft", "history", "--json")
    if done.returncode != 0:
        raise LabError(f"{name}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def pause(seconds: float) -> None:
    """For what must not happen in that time."""
    time.sleep(seconds)
