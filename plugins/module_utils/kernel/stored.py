# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Our files on a host's disk: written whole or not at all, and never with wider permissions than they end with."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ..model import state as kinds
from ..model.change import REMOVE, Change
from ..model.errors import KernelError
from ..model.plan import PLAN_VERSION
from ..model.policed import Objects, objects_of
from ..model.state import State
from ..model.stored import OVERLAY_UNIT, PATHS, PLAN_PATH, PROGRAM_ROOT, WRITTEN_BY, File, Program
from ..model.version import newer
from . import atomic
from .programs import has_systemd, run

_CURRENT = PROGRAM_ROOT + "/current"
_BPF = "bpf"
_PROGRAMS = f"program in {PROGRAM_ROOT}"
_UNITS = os.path.dirname(OVERLAY_UNIT.path)


def observe() -> tuple[State, tuple[tuple[str, str], ...]]:
    """(our files and program, faults): a file of somebody else's at one of our paths is a fault, and a plan that only
    a later release reads."""
    files, faults = {}, []
    for path in PATHS:
        file = _read(path)
        if file is None:
            continue
        if file.target is None and path != PLAN_PATH and WRITTEN_BY not in file.text:
            faults.append((f"file {path}", "exists and was not written by weft; move it away"))
            continue
        files[path] = file
        if path == PLAN_PATH and (later := newer(_version(file.text), PLAN_VERSION)):
            faults.append((f"file {path}", f"has {later}"))
    programs = {"program": Program(digest)} if (digest := current_digest()) else {}
    return {kinds.FILE: files, kinds.PROGRAM: programs}, tuple(faults)


def _version(plan: str) -> int:
    """The last thing that a plan says (model/plan.py); 0: it does not, and its reader will say so."""
    found = re.search(r'"version": ([0-9]{1,9})\n}\n?$', plan)
    return int(found.group(1)) if found else 0


def apply(change: Change) -> None:
    """Write or remove one file, or switch the program. Raises KernelError naming the path."""
    try:
        if change.kind == kinds.PROGRAM:
            _switch_program(change)
        elif change.action == REMOVE:
            _remove(change.key)
        else:
            _write(change.after)
    except OSError as error:
        subject = _PROGRAMS if change.kind == kinds.PROGRAM else f"{change.kind} {change.key}"
        raise KernelError(subject, error.strerror or str(error)) from error


def stop_units(changes: Sequence[Change]) -> None:
    """Stop what has its unit file removed: systemd would go on with a unit that it has in memory. The one that this
    process is of goes on."""
    units = _removed_units(changes)
    if units:
        with open("/proc/self/cgroup", encoding="utf-8") as stream:
            own = set(stream.read().replace("\n", "/").split("/"))
        staying = [unit for unit in units if unit not in own]
        if staying:
            run("systemd", ["systemctl", "stop", *staying])


def reload_units(changes: Sequence[Change]) -> None:
    """Tell systemd once that unit files changed; a host that was not booted with systemd is left alone."""
    if not any(change.key.startswith(_UNITS) for change in changes if change.kind == kinds.FILE):
        return
    if not has_systemd():
        return
    run("systemd", ["systemctl", "daemon-reload"])
    removed = _removed_units(changes)
    if removed:
        # One that had failed is still told of after its file is gone.
        listing = run("systemd", ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", *removed])
        failed = [line.split()[0] for line in listing.splitlines()]
        if failed:
            run("systemd", ["systemctl", "reset-failed", *failed])


def _removed_units(changes: Sequence[Change]) -> list[str]:
    """Names of units; none on a host that was not booted with systemd."""
    if not has_systemd():
        return []
    gone = (change.key for change in changes if change.kind == kinds.FILE and change.action == REMOVE)
    return sorted(os.path.basename(path) for path in gone if os.path.dirname(path) == _UNITS)


def _read(path: str) -> File | None:
    try:
        if os.path.islink(path):
            return File(path, "", target=os.readlink(path))
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return File(path, stream.read(), os.fstat(stream.fileno()).st_mode & 0o7777)
    except FileNotFoundError:
        return None


def _write(file: File) -> None:
    folder = os.path.dirname(file.path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    if file.target is not None:
        _link(file.path, file.target)
        return
    if file.mode == 0o600:
        os.chmod(folder, 0o700)
    atomic.write(file.path, file.text.encode("utf-8", "surrogateescape"), file.mode)


def _remove(path: str) -> None:
    """With the folder of links that systemd may not have had before, if it is empty."""
    os.unlink(path)
    folder = os.path.dirname(path)
    if folder.endswith(".wants") and not os.listdir(folder):
        os.rmdir(folder)


def _link(path: str, target: str) -> None:
    beside = f"{os.path.dirname(path)}/.{os.path.basename(path)}.new"
    if os.path.lexists(beside):  # of a run that was ended in the middle
        os.unlink(beside)
    os.symlink(target, beside)
    os.replace(beside, path)


def current_digest() -> str | None:
    """Which program is current; None when there is none, or when a part of it is missing."""
    try:
        folder = os.readlink(_CURRENT)
        complete = os.path.exists(f"{_CURRENT}/main.py")
    except OSError:
        return None
    return folder if complete else None


def plan_text() -> str | None:
    """The plan that the host would boot; None: there is none."""
    file = _read(PLAN_PATH)
    return file.text if file is not None else None


def keep(program: Program) -> None:
    """Have it on the disk, though it is not current yet. Raises KernelError."""
    try:
        _write_program(program)
    except OSError as error:
        raise KernelError(_PROGRAMS, error.strerror or str(error)) from error


def forget(program: Program) -> None:
    """The opposite, unless it is current. Raises KernelError."""
    folder = f"{PROGRAM_ROOT}/{program.digest}"
    try:
        if current_digest() != program.digest and os.path.isdir(folder):
            atomic.remove_tree(folder)
    except OSError as error:
        raise KernelError(_PROGRAMS, error.strerror or str(error)) from error


def objects(program: str = "current") -> Objects:
    """The BPF programs that are kept with a program, by its digest. Raises KernelError where there are none."""
    folder = f"{PROGRAM_ROOT}/{program}/{_BPF}"
    try:
        names = sorted(os.listdir(folder))
        return objects_of((name, atomic.read(f"{folder}/{name}") or b"") for name in names)
    except OSError as error:
        reason = f"the compiled programs of the policy are not there ({error.strerror}); run the playbook again"
        raise KernelError(folder, reason) from error


def _switch_program(change: Change) -> None:
    """Each version in a folder named after its digest; `current` moves in one step, and the one before is kept."""
    if change.action == REMOVE:
        os.unlink(_CURRENT)
        return
    program = change.after
    _write_program(program)
    _write(File(_CURRENT, "", target=program.digest))
    keep = {program.digest, "current", change.before.digest if change.before else ""}
    for name in os.listdir(PROGRAM_ROOT):
        if name not in keep:
            atomic.remove_tree(f"{PROGRAM_ROOT}/{name}")


def _write_program(program: Program) -> None:
    """Nothing, where all of it is there: what is there is of its digest. Its entry is written last."""
    folder = f"{PROGRAM_ROOT}/{program.digest}"
    if os.path.exists(f"{folder}/main.py"):
        return
    if program.files:
        os.makedirs(f"{folder}/{_BPF}", mode=0o755, exist_ok=True)
    for name, content in program.files:
        atomic.write(f"{folder}/{_BPF}/{name}", content, 0o644)
    for path, text in sorted(program.sources, key=lambda source: source[0] == "main.py"):
        _write(File(f"{folder}/{path}", text))
