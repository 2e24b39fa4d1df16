# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One virtual machine, emulated: boots a disk, records what its steps say, and is gone again."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.kernel.disk import Content, disk, root_filesystem

# Of the first boot, the second one, …
STEPS = "/etc/lane/steps{}.json"
QEMU = "qemu-system-x86_64"
# Emulated, a machine needs some two minutes on two cores.
SECONDS = 600

Step = tuple[str, str]


class Said(NamedTuple):
    """What a step's shell line said. code: None where it did not end in time."""

    code: int | None
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.out)


class Record:
    """What all steps of a machine said, by name. A step that failed or was not reached fails the test that asks."""

    def __init__(self, said: Mapping[str, Said], console: Path, seconds: float) -> None:
        self._said = said
        self._console = console
        self.seconds = seconds

    def any(self, name: str) -> Said:
        """A step, whatever its exit code."""
        if name not in self._said:
            # Quoted, not only named: the folder may be gone when somebody reads this.
            last = self._console.read_text(encoding="utf-8", errors="replace")[-2000:]
            pytest.fail(f"the machine did not come to the step {name!r}; its console {self._console} ends:\n{last}")
        return self._said[name]

    def __getitem__(self, name: str) -> Said:
        said = self.any(name)
        assert said.code == 0, f"{name}: exit code {said.code}\n{said.out}{said.err}"
        return said


def run_machine(folder: Path, files: Mapping[str, Content], *boots: Sequence[Step]) -> tuple[Record, ...]:
    """Boot with these files on the disk, run the steps, power off; again for each further list of steps.

    Leaves console.log and steps.jsonl of each boot in the folder.
    """
    if shutil.which(QEMU) is None:
        pytest.fail(f"{QEMU} is not installed: tools/system-packages kernel, or make kernel")
    root = root_filesystem()
    image = folder / "disk.img"
    disk(root, image, {**files, **{STEPS.format(n): Content(json.dumps(steps)) for n, steps in enumerate(boots)}})
    try:
        return tuple(_record(root, image, folder, number) for number in range(len(boots)))
    finally:
        image.unlink()


def _record(root: Path, image: Path, folder: Path, number: int) -> Record:
    console, record = folder / f"console{number}.log", folder / f"steps{number}.jsonl"
    record.write_text("", encoding="utf-8")
    began = time.monotonic()
    _boot(root, image, number, (console, record))
    return Record(_read(record), console, time.monotonic() - began)


def _boot(root: Path, image: Path, number: int, ports: tuple[Path, Path]) -> None:
    """ports: what the machine's two serial ports are written to, its console and its record."""
    console, record = ports
    kernel, initrd = (next(iter((root / "boot").glob(f"{name}-*"))) for name in ("vmlinuz", "initrd.img"))
    words = "console=ttyS0 root=/dev/vda rw quiet loglevel=3 systemd.show_status=no panic=1"
    words += f" lane.steps={STEPS.format(number)}"
    command = [QEMU, "-accel", "tcg,thread=multi", "-smp", "2", "-cpu", "max", "-m", "1024"]
    command += ["-display", "none", "-monitor", "none", "-no-reboot"]
    command += ["-kernel", str(kernel), "-initrd", str(initrd), "-append", words]
    command += ["-drive", f"file={image},if=virtio,format=raw,cache=unsafe"]
    # Up, and nobody at the other end who would forward anything.
    command += ["-netdev", "user,id=uplink,restrict=on,ipv6=off,net=198.18.0.0/24,host=198.18.0.1"]
    command += ["-device", "virtio-net-pci,netdev=uplink"]
    command += ["-serial", f"file:{console}", "-serial", f"file:{record}"]
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = machine.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the machine did not power off within {SECONDS} s; its console: {console}")
    finally:
        machine.kill()
        machine.wait()
    if machine.returncode:
        pytest.fail(f"{QEMU} ended with {machine.returncode}: {said.decode(errors='replace')}")


def _read(record: Path) -> dict[str, Said]:
    lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return {one["name"]: Said(one["code"], one["out"], one["err"], one["seconds"]) for one in found}
